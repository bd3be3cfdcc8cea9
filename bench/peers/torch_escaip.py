"""EScAIP (arXiv 2410.24169) in PyTorch, from parameters by name with linear weights [in, out], on structures of equal
size whose atoms are all each other's neighbours."""

import math

CUTOFF = 12.0


class Escaip:
    def __init__(self, torch, parameters, heads):
        self.torch = torch
        self.f = torch.nn.functional
        self.p = parameters
        self.heads = heads
        self.hidden = parameters["backbone.input_block.norm.node_norm.weight"].shape[0]
        names = [name for name in parameters if name.endswith("attn_scalar")]
        self.layers = len(names)

    def linear(self, name, x, bias=True):
        y = x @ self.p[name + ".weight"]
        return y + self.p[name + ".bias"] if bias else y

    def norm(self, name, x):
        # The reference's eps is float32's.
        return x * self.torch.rsqrt(x.square().mean(-1, keepdim=True) + 2**-23) * self.p[name + ".weight"]

    def feed_forward(self, name, x, norm=None):
        inner = self.f.gelu(self.linear(name + ".0.0", self.norm(norm, x) if norm else x))
        return x + self.linear(name + ".1.0", inner)

    def geometry(self, positions):
        """Unit vectors from neighbours to centres [N, n, M, 3] and distances; neighbours in the order of the atoms."""
        n = positions.shape[1]
        others = self.torch.tensor([[j for j in range(n) if j != i] for i in range(n)])
        apart = positions[:, :, None] - positions[:, others]
        distance = apart.norm(dim=-1)
        return others, apart / distance[..., None], distance

    def bond_orders(self, direction):
        """Degrees 0 to 9: sqrt((2l + 1) times the mean of Legendre's P_l of the angles between all edges)."""
        cosines = direction @ direction.transpose(-1, -2)
        before, legendre, orders = self.torch.ones_like(cosines), cosines, [cosines.new_ones(cosines.shape[:2])]
        for degree in range(1, 10):
            orders.append(((2 * degree + 1) * legendre.mean((-1, -2))).clamp_min(0).sqrt())
            next_one = ((2 * degree + 1) * cosines * legendre - degree * before) / (degree + 1)
            before, legendre = legendre, next_one
        return self.torch.stack(orders, -1)

    def edge_inputs(self, name, numbers, others, gaussians, orders):
        embedded = lambda layer, x: self.f.gelu(self.linear(f"{name}.{layer}_embedding.0", x))
        table = lambda end: self.p[f"{name}.{end}_atomic_embedding.weight"][numbers]
        source = self.torch.cat([embedded("source_direction", orders), table("source")], -1)[:, others]
        target = self.torch.cat([embedded("target_direction", orders), table("target")], -1)
        target = target[:, :, None].expand(-1, -1, others.shape[1], -1)
        edges = self.torch.cat([embedded("edge_distance", gaussians), source, target], -1)
        return self.f.gelu(self.linear(f"{name}.edge_linear.0", edges))

    def attend(self, name, x, direction):
        shape = x.shape[:-1] + (self.heads, self.hidden // self.heads)
        qkv = x @ self.p[name + ".multi_head_attention.in_proj_weight"]
        qkv = qkv + self.p[name + ".multi_head_attention.in_proj_bias"]
        q, k, v = (part.reshape(shape).transpose(2, 3) for part in qkv.chunk(3, -1))
        angles = (direction @ direction.transpose(-1, -2)) * self.p[name + ".attn_scalar"]
        weights = (q @ k.transpose(-1, -2) / math.sqrt(shape[-1]) + angles[:, :, None]).softmax(-1)
        mixed = (weights @ v).transpose(2, 3).reshape(x.shape)
        return self.linear(name + ".multi_head_attention.out_proj", mixed)

    def __call__(self, positions, numbers):
        torch = self.torch
        others, direction, distance = self.geometry(positions)
        count = self.p["backbone.input_block.input_layer.edge_distance_embedding.0.weight"].shape[0]
        spacing = CUTOFF / (count - 1)
        centres = torch.arange(count, dtype=distance.dtype) * spacing
        gaussians = ((distance[..., None] - centres) / (2 * spacing)).square().mul(-0.5).exp()
        orders = self.bond_orders(direction)
        slots = others.shape[1]
        mean = lambda x: x.sum(2) / (slots + 1e-5)

        name = "backbone.input_block.input_layer"
        edge = self.edge_inputs(name, numbers, others, gaussians, orders)
        edge = self.feed_forward(name + ".edge_ffn", edge, name + ".norm")
        node = self.norm("backbone.input_block.norm.node_norm", mean(edge))
        edge = self.norm("backbone.input_block.norm.edge_norm", edge)
        nodes, edges = [self.readout(0, "energy", node)], [self.readout(0, "force", edge)]
        for block in range(self.layers):
            name = f"backbone.transformer_blocks.{block}"
            attention = name + ".graph_attention"
            h = self.norm(name + ".norm_attn", node)
            pairs = torch.cat([h[:, others], h[:, :, None].expand(-1, -1, slots, -1)], -1)
            pairs = self.f.gelu(self.linear(attention + ".node_linear.0", pairs))
            own = self.edge_inputs(attention, numbers, others, gaussians, orders)
            message = self.f.gelu(self.linear(attention + ".message_linear.0", torch.cat([own, pairs], -1)))
            mixed = self.attend(attention, message, direction)
            node, edge = node + mean(mixed), edge + mixed
            node = self.feed_forward(name + ".feedforward.mlp_node", node, name + ".norm_ffn.node_norm")
            edge = self.feed_forward(name + ".feedforward.mlp_edge", edge, name + ".norm_ffn.edge_norm")
            nodes.append(self.readout(block + 1, "energy", node))
            edges.append(self.readout(block + 1, "force", edge))
        node, edge = self.project("node", nodes), self.project("edge", edges)
        energies = self.head("energy.energy_layer", node).mean(1)[:, 0]
        coefficients = self.head("forces.force_direction_layer", edge)
        magnitudes = self.head("forces.force_magnitude_layer", node)
        return energies, magnitudes * (coefficients * direction).sum(2)

    def readout(self, layer, stream, x):
        name = f"backbone.readout_layers.{layer}.{stream}"
        return self.feed_forward(name + "_ffn", x, name + "_norm")

    def project(self, stream, parts):
        name = "backbone.output_projection"
        x = self.norm(f"{name}.readout_norm.{stream}_norm", self.torch.cat(parts, -1))
        x = self.f.gelu(self.linear(f"{name}.{stream}_projection.0", x))
        return self.norm(f"{name}.output_norm.{stream}_norm", x)

    def head(self, name, x):
        name = "output_heads." + name
        return self.linear(name + ".final_output.0", self.feed_forward(name + ".ffn", x), bias=False)


DATA = ("positions", "numbers", "energies", "forces", "matrices", "target")


def parts_of(inputs):
    parameters = {name: values for name, values in inputs.items() if name not in DATA}
    return parameters, {name: values for name, values in inputs.items() if name in DATA}


class Training:
    """Steps of AdamW with the reference's loss and groups; loss and gradients are kept from the first."""

    def __init__(self, torch, attributes, inputs):
        self.torch = torch
        self.parameters, self.data = parts_of(inputs)
        for values in self.parameters.values():
            values.requires_grad_()
        self.model = Escaip(torch, self.parameters, int(attributes["heads"]))
        self.weights = attributes["energyWeight"], attributes["forceWeight"]
        self.clip = attributes["clip"]
        left_alone = lambda name: "embedding" in name or "bias" in name
        groups = [
            {"params": [v for n, v in self.parameters.items() if left_alone(n) == alone], "weight_decay": decay}
            for alone, decay in ((False, attributes["weightDecay"]), (True, 0.0))
        ]
        betas = attributes["beta1"], attributes["beta2"]
        self.optimiser = torch.optim.AdamW(groups, lr=attributes["lr"], betas=betas, eps=attributes["eps"])
        self.first = None

    def loss(self):
        energies, forces = self.model(self.data["positions"], self.data["numbers"].long())
        energy = (energies - self.data["energies"]).abs().mean()
        return self.weights[0] * energy + self.weights[1] * (forces - self.data["forces"]).norm(dim=-1).mean()

    def run(self):
        self.optimiser.zero_grad()
        loss = self.loss()
        loss.backward()
        if self.first is None:
            self.first = {"loss": loss.detach().clone().reshape(1)}
            for name, parameter in self.parameters.items():
                self.first["grad/" + name] = parameter.grad.detach().clone()
        self.torch.nn.utils.clip_grad_norm_(list(self.parameters.values()), self.clip)
        self.optimiser.step()

    def read(self):
        return self.first


class Evaluation:
    """The decomposition of the forces' squared error under given rotations: terms [4], sums over all structures."""

    def __init__(self, torch, attributes, inputs):
        self.torch = torch
        parameters, self.data = parts_of(inputs)
        self.model = Escaip(torch, parameters, int(attributes["heads"]))

    def run(self):
        with self.torch.no_grad():
            self.terms = self.evaluate()

    def evaluate(self):
        matrices = self.data["matrices"].reshape(-1, 3, 3)
        count = matrices.shape[0]
        total = []
        for positions, numbers, target in zip(self.data["positions"], self.data["numbers"], self.data["target"]):
            turned = positions @ matrices.transpose(1, 2)
            _, forces = self.model(turned, numbers.long().expand(count, -1))
            back = forces @ matrices
            mean = back.mean(0)
            off, spread = (mean - target).square().sum(), (back - mean).square().sum() / count
            total.append(self.torch.stack([off + spread, off, spread, target.square().sum()]))
        return self.torch.stack(total).sum(0)

    def read(self):
        return {"terms": self.terms}
