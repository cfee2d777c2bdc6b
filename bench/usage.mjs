/** Preloaded (`node --import`), it writes what the whole process used, as JSON, to the file that QAPI_TS_USAGE names. */
import { writeFileSync } from 'node:fs';

process.on('exit', () => {
  const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage();
  writeFileSync(
    process.env.QAPI_TS_USAGE,
    JSON.stringify({ cpu: (userCPUTime + systemCPUTime) / 1e6, peak: maxRSS * 1024, wall: process.uptime() }),
  );
});
