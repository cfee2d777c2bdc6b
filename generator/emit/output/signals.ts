const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
let holding = false;

/** Runs something that a signal must not tear apart. The signal takes effect afterwards. */
export function holdingSignals(action: () => void): void {
  if (!holding) {
    holding = true;
    for (const signal of signals) process.on(signal, raise);
    // Signals that come while this turn of the event loop lasts are delivered before that.
    setImmediate(() => {
      holding = false;
      for (const signal of signals) process.removeListener(signal, raise);
    });
  }
  action();
}

function raise(signal: NodeJS.Signals): void {
  process.removeListener(signal, raise);
  if (process.listenerCount(signal) === 0) process.kill(process.pid, signal);
}
