import { VoxtwirlError, type VoxtwirlErrorCode } from "../errors.ts";

interface Kind {
  readonly code: VoxtwirlErrorCode;
  /** Words of apt's or dpkg's, in English. */
  readonly pattern: RegExp;
  readonly message: string;
  readonly fix: string;
}

/** What may go wrong, the gravest first. */
const KINDS: readonly Kind[] = [
  {
    code: "io",
    pattern: /No space left on device|enough free space|quota exceeded|write error.*space/i,
    message: "The disk is full",
    fix: "Free some space, or set XDG_CACHE_HOME to a folder on another disk.",
  },
  {
    code: "bad-file",
    pattern: /Hash Sum mismatch|File has unexpected size|Hashes of received file|is not a Debian format archive/i,
    message: "A package is not what its repository has signed, and was refused",
    fix: "The mirror may be in the middle of an update, or a proxy spoils what it passes on: try again later.",
  },
  {
    code: "bad-file",
    pattern:
      /NO_PUBKEY|BADSIG|EXPKEYSIG|not signed|could ?n.t be verified|not be authenticated|unauthenticated|GPG error/i,
    message: "apt does not trust the packages' source, as its signature cannot be verified",
    fix: "Have the archive's keys renewed on this machine (package debian-archive-keyring or ubuntu-keyring).",
  },
  {
    code: "bad-file",
    pattern: /is not valid yet|Release file .* expired/i,
    message: "apt takes the packages' source for outdated or from the future",
    fix: "Set this machine's clock, or have apt use a mirror that is kept up to date.",
  },
  {
    code: "io",
    pattern:
      /failure resolving|(Could not|Unable to) (resolve|connect)|Connection (timed|fail|ref)|Failed to fetch|unreach/i,
    message: "apt cannot reach the packages' source",
    fix: "Check the network (apt's proxy is Acquire::http::Proxy, or http_proxy), then start it again.",
  },
  {
    code: "unsupported",
    pattern: /Unable to locate package|has no installation candidate|is invalid for APT::Default-Release/i,
    message: "apt's sources on this machine do not have the package",
    fix: "Have the distribution's main archive listed in /etc/apt/sources.list.d.",
  },
];

/** The error for what apt or dpkg wrote on standard error, or the file system said, with these words behind ours. */
export function aptFailure(stderr: string): VoxtwirlError {
  const lines = stderr.split("\n").map((line) => line.trim());
  for (const { code, pattern, message, fix } of KINDS) {
    const words = lines.find((line) => pattern.test(line));
    if (words !== undefined) return new VoxtwirlError(code, `${message}: ${shortened(words)}`, fix);
  }
  const words =
    lines.find((line) => line.startsWith("E:")) ?? lines.findLast((line) => line !== "") ?? "it said nothing";
  const fix = "See what apt-get says by itself (apt-get --simulate install mesa-vulkan-drivers), and mend that.";
  return new VoxtwirlError("io", `The driver cannot be installed: ${shortened(words)}`, fix);
}

function shortened(words: string): string {
  const text = words.replace(/^[EW]: /, "");
  return text.length > 300 ? `${text.slice(0, 300)}...` : text;
}
