/**
 * How an edit of a field lands: `live` (written into the cgroup, the mounted file or seedpod's memory; no process
 * notices), `signal`, `restart` (of that container alone), `recreate` (of the pod).
 */
export type Landing = "live" | "signal" | "restart" | "recreate";

/**
 * What seedpod does with a field: `supported`; `neutral`, which means accepted where its value asks nothing of
 * seedpod; `dropped`, which a server wrote and seedpod leaves out, as kubectl apply does; `refused`.
 */
export type Support = "supported" | "neutral" | "dropped" | "refused";

/** What is known of one field of one definition. */
export interface DefinitionRow {
  /** `Definition.field`, as `Container.image`. */
  key: string;
  support: Support;
  landing: Landing;
  /** One sentence for people; of a refused field it says why or what to do instead. */
  about: string;
  /** The default, as Kubernetes documents it. */
  default?: string;
  /** The values of a neutral field that ask nothing; absent means every value. */
  neutral?: readonly unknown[];
}

type Extras = Pick<DefinitionRow, "default" | "neutral">;

interface RowMakers {
  yes(field: string, landing: Landing, about: string, extras?: Extras): DefinitionRow;
  neutral(field: string, landing: Landing, about: string, extras?: Extras): DefinitionRow;
  dropped(field: string, about: string): DefinitionRow;
  no(field: string, about: string): DefinitionRow;
}

/** Rows of one definition: a function for each kind of support. */
export function rowsOf(definition: string): RowMakers {
  const row =
    (support: Support) => (field: string, landing: Landing, about: string, extras: Extras = {}) => ({
      key: `${definition}.${field}`,
      support,
      landing,
      about,
      ...extras,
    });
  return {
    yes: row("supported"),
    neutral: row("neutral"),
    dropped: (field: string, about: string): DefinitionRow => row("dropped")(field, "live", about),
    no: (field: string, about: string): DefinitionRow => row("refused")(field, "recreate", about),
  };
}
