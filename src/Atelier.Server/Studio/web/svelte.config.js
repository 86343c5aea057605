// svelte-check and editors read this file; TypeScript in components needs no preprocessor.
export default { compilerOptions: { runes: true } };
