/** The text of one `.wgsl` file and its base name (used in labels and error messages). */
export interface Shader {
  readonly name: string;
  readonly code: string;
}
