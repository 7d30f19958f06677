// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestFromEnvironment(t *testing.T) {
	t.Parallel()
	type env map[string]string
	const rest = `
    eips: true
    http:
      proxy_from_environment: true
      enable_http2: true
    limits:
      requests_per_minute: 180
      concurrency: 8
metrics:
  users: false
refresh:
  timeout: 2m
  max_staleness: 15m
  min_interval: 0s
changes:
  keep: 10000
`
	const plain = `projects:
  - name: la-north-2
    region: la-north-2
    credentials:
      source: SOURCE` + rest
	of := func(source string) string { return strings.Replace(plain, "SOURCE", source, 1) }
	for name, test := range map[string]struct {
		region string // of the flag
		env    env
		want   string // masked configuration, or the error
	}{
		"keys": {"", env{"HUAWEICLOUD_REGION": "la-north-2", "HUAWEICLOUD_SDK_AK": "AK", "HUAWEICLOUD_SDK_SK": canary}, of("environment")},
		"keys with token": {
			"la-north-2",
			env{"HUAWEICLOUD_SDK_AK": "AK", "HUAWEICLOUD_SDK_SK": canary, "HUAWEICLOUD_SDK_SECURITY_TOKEN": canary},
			of("environment"),
		},
		"identity provider": {
			"la-north-2",
			env{"HUAWEICLOUD_SDK_IDP_ID": "idp", "HUAWEICLOUD_SDK_ID_TOKEN_FILE": "testdata/keys/token"},
			of("environment"),
		},
		"flag before variable": {"la-north-2", env{"HUAWEICLOUD_REGION": "la-south-2"}, of("chain")},
		"region alone":         {"", env{"HUAWEICLOUD_REGION": "la-north-2"}, of("chain")},
		"project and IAM": {
			"la-north-2",
			env{"HUAWEICLOUD_SDK_PROJECT_ID": "0123", "HUAWEICLOUD_SDK_IAM_ENDPOINT": "iam.example.com/"},
			`projects:
  - name: la-north-2
    region: la-north-2
    project_id: "0123"
    iam_endpoint: https://iam.example.com
    credentials:
      source: chain` + rest,
		},
		"nothing":        {"", nil, "environment: HUAWEICLOUD_REGION: is missing; set it or --region to a region's ID, such as la-north-2, or name a file by --config.file"},
		"unknown region": {"xx-north-1", nil, `environment: HUAWEICLOUD_REGION: is "xx-north-1", whose endpoint is not known; check the spelling, or set HUAWEICLOUD_SDK_REGION_WORKSPACE_XX_NORTH_1 to its endpoint`},
		"half a key":     {"la-north-2", env{"HUAWEICLOUD_SDK_AK": "AK"}, "environment: HUAWEICLOUD_SDK_SK: is missing; set it, as it belongs to HUAWEICLOUD_SDK_AK"},
		"the other half": {"la-north-2", env{"HUAWEICLOUD_SDK_SK": canary}, "environment: HUAWEICLOUD_SDK_AK: is missing; set it, as it belongs to HUAWEICLOUD_SDK_SK"},
		"a token alone": {
			"la-north-2",
			env{"HUAWEICLOUD_SDK_SECURITY_TOKEN": canary},
			"environment: HUAWEICLOUD_SDK_AK: is missing; set it, as it belongs to HUAWEICLOUD_SDK_SK\n" +
				"environment: HUAWEICLOUD_SDK_SK: is missing; set it, as it belongs to HUAWEICLOUD_SDK_AK",
		},
		"half an identity": {
			"la-north-2",
			env{"HUAWEICLOUD_SDK_IDP_ID": "idp", "HUAWEICLOUD_SDK_AK": "AK", "HUAWEICLOUD_SDK_SK": canary},
			"environment: HUAWEICLOUD_SDK_ID_TOKEN_FILE: is missing; set it, as it belongs to HUAWEICLOUD_SDK_IDP_ID",
		},
		"everything wrong": {
			"la north",
			env{
				"HUAWEICLOUD_SDK_AK": "AK ", "HUAWEICLOUD_SDK_SK": canary + "\n", "HUAWEICLOUD_SDK_ID_TOKEN_FILE": "testdata/keys/nowhere",
				"HUAWEICLOUD_SDK_PROJECT_ID": "a/b", "HUAWEICLOUD_SDK_IAM_ENDPOINT": "http://iam.example.com",
			},
			`environment: HUAWEICLOUD_REGION: is "la north", which is not the ID of a region; write it like la-north-2, without spaces
environment: HUAWEICLOUD_SDK_AK: holds a space, a line break or another character that no key has; copy it again
environment: HUAWEICLOUD_SDK_IAM_ENDPOINT: is plain http, which anyone on the way can read and change; use https (http is for loopback addresses)
environment: HUAWEICLOUD_SDK_IDP_ID: is missing; set it, as it belongs to HUAWEICLOUD_SDK_ID_TOKEN_FILE
environment: HUAWEICLOUD_SDK_ID_TOKEN_FILE: is "testdata/keys/nowhere", which cannot be read: no such file or directory; check its path and its permissions
environment: HUAWEICLOUD_SDK_PROJECT_ID: is "a/b", which is not the ID of a project; copy it from My Credentials in the console
environment: HUAWEICLOUD_SDK_SK: holds a space, a line break or another character that no key has; copy it again`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, err := FromEnvironment(func(key string) string { return test.env[key] }, test.region, testOptions())
			var got string
			if err != nil {
				got = err.Error()
			} else {
				got = c.Masked()
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if tells(got) {
				t.Error("a secret is told")
			}
		})
	}
}
