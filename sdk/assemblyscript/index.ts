// What "gowanus" means to the compiler, which looks for this file.
export * from "./assembly";
