import $ from "dax";

/**
 * Installs the Debian packages that are missing, without asking anything; does nothing when none is. Needs
 * root and the package sources of the machine.
 */
export async function installPackages(packages: readonly string[]): Promise<void> {
  const missing = await missingPackages(packages);
  if (missing.length === 0) return;
  $.logStep("Installing", missing.join(" "));
  await $`apt-get --option Acquire::Retries=3 update`.stdout("null");
  await $`apt-get --option Acquire::Retries=3 install --yes --no-install-recommends ${missing}`
    .env({ DEBIAN_FRONTEND: "noninteractive" }).stdin("null").stdout("null");
}

/** The packages of the list that dpkg does not know as installed. */
async function missingPackages(packages: readonly string[]): Promise<string[]> {
  const format = "${Package} ${db:Status-Status}\n";
  const known = await $`dpkg-query --show --showformat=${format} ${packages}`.noThrow().stderr("null")
    .lines();
  return packages.filter((name) => !known.includes(`${name} installed`));
}
