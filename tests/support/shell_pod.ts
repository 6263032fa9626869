/** A script that runs until it is asked to stop, and says so. */
export const SLEEPER = 'echo ready; trap "echo stopping; exit 0" TERM; while :; do sleep 0.05; done';

/** The manifest of a pod of one container, `main`, that runs a shell script; `more` are lines of its spec. */
export function shellPod(name: string, script: string, more = "restartPolicy: Never"): string {
  return `apiVersion: v1
kind: Pod
metadata: {name: ${name}}
spec:
  ${more}
  containers:
  - {name: main, image: host, command: [sh, -c, ${JSON.stringify(script)}]}
`;
}
