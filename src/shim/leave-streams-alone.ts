/**
 * To be imported before anything else: when a module as much as looks at these, the runtime makes a pipe non-blocking
 * for all that share it, and opens a terminal anew. They belong to the command that follows.
 */
for (const name of ['stdin', 'stdout', 'stderr']) Object.defineProperty(process, name, { value: undefined })
