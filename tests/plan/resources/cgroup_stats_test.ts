import assert from "node:assert/strict";
import { parseCounters, wasOomKilled } from "../../../runner/plan/resources/mod.ts";

const KILLED = { mainExitSignal: 9, oomKillsBefore: 0, oomKillsAfter: 1, weSentKill: false };

Deno.test("wasOomKilled() is true if and only if the main process died of the OOM killer", () => {
  assert.equal(wasOomKilled(KILLED), true);
  assert.equal(
    wasOomKilled({ ...KILLED, mainExitSignal: null }),
    false,
    "only a child was killed; the main process exited",
  );
  assert.equal(wasOomKilled({ ...KILLED, mainExitSignal: 15 }), false);
  assert.equal(
    wasOomKilled({ ...KILLED, oomKillsBefore: 1 }),
    false,
    "the kill was counted before the death",
  );
  assert.equal(wasOomKilled({ ...KILLED, weSentKill: true }), false);
});

Deno.test("parseCounters() reads v2", () => {
  const counters = parseCounters({
    "memory.events": "low 0\nhigh 0\nmax 12\noom 3\noom_kill 2\noom_group_kill 1\n",
    "memory.current": "10485760\n",
    "memory.max": "max\n",
    "memory.stat": "anon 1\ninactive_file 485760\n",
    "cpu.stat": "usage_usec 1500\nuser_usec 1000\nsystem_usec 500\nnr_throttled 1\nthrottled_usec 70\n",
    "pids.current": "3\n",
  });
  assert.deepEqual(counters, {
    oomKills: 2,
    memoryBytes: 10485760,
    memoryLimitBytes: null,
    memoryWorkingSetBytes: 10000000,
    cpuUsageUs: 1500,
    cpuThrottledUs: 70,
    pids: 3,
  });
});

Deno.test("parseCounters() reads v1, in its other units", () => {
  const counters = parseCounters({
    "memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 1\n",
    "memory.usage_in_bytes": "4096\n",
    "memory.limit_in_bytes": "9223372036854771712\n",
    "memory.stat": "inactive_file 1\ntotal_inactive_file 8192\n",
    "cpuacct.usage": "1999999\n",
    "cpu.stat": "nr_periods 0\nnr_throttled 0\nthrottled_time 3000\n",
  });
  assert.deepEqual(counters, {
    oomKills: 1,
    memoryBytes: 4096,
    memoryLimitBytes: null,
    memoryWorkingSetBytes: 0,
    cpuUsageUs: 1999,
    cpuThrottledUs: 3,
    pids: null,
  });
});

Deno.test("parseCounters() of a cgroup that is gone counts nothing", () => {
  const { oomKills, ...rest } = parseCounters({});
  assert.equal(oomKills, 0);
  assert.ok(Object.values(rest).every((value) => value === null));
});
