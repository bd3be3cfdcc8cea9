/** A shader's file as the build and vitest load it: its base name and its text. */
declare module "*.wgsl" {
  const shader: { readonly name: string; readonly code: string };
  export default shader;
}
