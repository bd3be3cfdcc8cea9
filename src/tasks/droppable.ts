/**
 * Makes a constant that bundlers leave out of programs without a use for it, where the call is marked as pure: an
 * object into which others are spread they keep.
 */
export function droppable<T>(make: () => T): T {
  return make();
}
