import { SeedpodError } from "../base/mod.ts";

/** Manifests that cannot be used: their diagnostics stand for the error. */
export class ManifestErrors extends SeedpodError {
  override readonly name = "ManifestErrors";
  /** The diagnostics as text. */
  readonly render: (color: boolean) => string;

  /** `render` gives every diagnostic, errors and warnings. */
  constructor(render: (color: boolean) => string) {
    super("Cannot use the manifests: they have errors", { fault: "user" });
    this.render = render;
  }
}
