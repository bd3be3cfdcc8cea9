/** Kebab-case identifiers of everything that can go wrong; stable, so that callers can branch on them. */
export type VoxtwirlErrorCode =
  | "bad-option"
  | "bad-shape"
  | "bad-file"
  | "bad-molecule"
  | "bad-config"
  | "no-adapter"
  | "no-data"
  | "unsupported"
  | "too-large"
  | "out-of-memory"
  | "shader-compile"
  | "validation"
  | "device-lost"
  | "destroyed"
  | "not-finite"
  | "exists"
  | "in-use"
  | "io"
  | "aborted"
  | "internal";

/**
 * The one error class of voxtwirl.
 *
 * `code` says which kind of failure this is, `message` what happened and `fix` what the user can do about it.
 */
export class VoxtwirlError extends Error {
  /** Which kind of failure. */
  readonly code: VoxtwirlErrorCode;
  /** What the user can do about it. */
  readonly fix: string;

  constructor(code: VoxtwirlErrorCode, message: string, fix: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "VoxtwirlError";
    this.code = code;
    this.fix = fix;
  }
}
