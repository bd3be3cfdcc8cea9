/** Whether the bundle was made; what went wrong is printed. `folder`, "dist" by default, is relative to the project. */
export function build(folder?: string, options?: { readonly types?: boolean }): Promise<boolean>;
