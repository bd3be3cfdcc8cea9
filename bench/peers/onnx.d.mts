export declare const FLOAT: 1;
export declare const INT64: 7;

export declare class Message {
  int(field: number, value: number | bigint): this;
  float(field: number, value: number): this;
  bytes(field: number, value: Uint8Array): this;
  string(field: number, value: string): this;
  message(field: number, value: Message): this;
  finish(): Uint8Array;
}

export type AttributeValue = string | number | readonly number[] | { readonly float: number };

export declare class OnnxGraph {
  readonly nodeNames: Readonly<Record<string, readonly string[]>>;
  input(name: string, shape: readonly number[]): string;
  output(name: string, shape: readonly number[]): void;
  constant(name: string, tensor: { readonly shape: readonly number[]; readonly data: Float32Array }): string;
  integers(name: string, values: readonly number[]): string;
  scalar(name: string, value: number): string;
  node(
    operation: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, AttributeValue>>,
    outputs: string[],
  ): string[];
  node(
    operation: string,
    inputs: readonly string[],
    attributes?: Readonly<Record<string, AttributeValue>>,
    output?: string,
  ): string;
  finish(opset?: number): Uint8Array;
}
