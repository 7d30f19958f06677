// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/alecthomas/kingpin/v2"
	gocmp "github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write generated documents")

const cliHead = `<!-- Written by: go test ./internal/cli -run TestCLIDocument -update -->
# Command line

` + "```" + `sh
huaweicloud_workspace_exporter [flags]              # serves, which may be spelled out as: serve
huaweicloud_workspace_exporter dump [flags]         # reads everything once, writes it and ends
` + "```" + `

Flags that take a value have it after an equals sign or a space; a switch is undone by ` + "`--no-NAME`" + `.

| flag | default | what |
| --- | --- | --- |
`

const cliDump = `
With ` + "`dump`, which [is described apart](dump.md)" + `, there are also

| flag | default | what |
| --- | --- | --- |
`

const cliTail = `
The region may be given by the environment variable ` + "`HUAWEICLOUD_REGION`" + ` as well. Without a file the SDK's variables
count, too, such as ` + "`HUAWEICLOUD_SDK_AK` and `HUAWEICLOUD_SDK_SK`" + `: [all of them](configuration.md#without-a-file). There is no flag for a key: what is on a command line can be read by everybody on the host.

## Behind a reverse proxy

| the proxy passes | flags |
| --- | --- |
| ` + "`/exporter/metrics` on as it is" + ` | ` + "`--web.external-url=https://proxy.example.com/exporter`" + ` |
| ` + "`/exporter/metrics` on as `/metrics`" + ` | ` + "`--web.external-url=https://proxy.example.com/exporter --web.route-prefix=/`" + ` |

## Exit codes

| code | when |
| --- | --- |
| 0 | ended by SIGTERM or SIGINT, after the scrapes under way; ` + "`--help`, `--version`" + `; a valid ` + "`--config.check`" + `; a ` + "`--healthcheck`" + ` of an exporter that runs |
| 1 | a wrong flag, a configuration that is not valid, an address that is taken, a ` + "`--healthcheck`" + ` that nobody answers: stderr says what, and what to do |

` + "`dump` ends with codes [of its own](dump.md#exit-codes)" + `. Once it has started to serve, the exporter never ends by itself, whatever the cloud does.

## Signals

| signal | what |
| --- | --- |
| SIGHUP | reads the configuration again, as ` + "`POST /-/reload`" + ` does; a bad one changes nothing |
| SIGTERM, SIGINT | takes no new requests, lets those under way end within 15 seconds, and ends |
`

// TestCLIDocument holds docs/cli.md against the flags that there are.
func TestCLIDocument(t *testing.T) {
	var want strings.Builder
	want.WriteString(cliHead)
	row := func(f *kingpin.FlagModel) {
		if f.Hidden {
			return
		}
		flag := "--" + f.Name
		if f.Short != 0 {
			flag = fmt.Sprintf("-%c, %s", f.Short, flag)
		}
		if !f.IsBoolFlag() {
			flag += "="
		}
		byDefault := strings.Join(f.Default, " ")
		if byDefault != "" {
			byDefault = "`" + byDefault + "`"
		}
		fmt.Fprintf(&want, "| `%s` | %s | %s |\n", flag, byDefault, strings.ReplaceAll(f.HelpWithEnvar(), "|", `\|`))
	}
	app := application(&flags{}).Model()
	for _, f := range app.Flags {
		row(f)
	}
	want.WriteString(cliDump)
	for _, c := range app.Commands {
		if c.Name == commandDump {
			for _, f := range c.Flags {
				row(f)
			}
		}
	}
	want.WriteString(cliTail)
	const path = "../../docs/cli.md"
	if *update {
		if err := os.WriteFile(path, []byte(want.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := gocmp.Diff(want.String(), string(got)); diff != "" {
		t.Errorf("docs/cli.md is out of date; write it anew by: go test ./internal/cli -run TestCLIDocument -update (-want +got)\n%s", diff)
	}
}
