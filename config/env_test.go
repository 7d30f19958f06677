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
	withSource := func(source string) string { return strings.Replace(plain, "SOURCE", source, 1) }
	for name, test := range map[string]struct {
		region string // of the flag
		env    env
		want   string // masked configuration, or the error
	}{
		"keys": {"", env{"HUAWEICLOUD_REGION": "la-north-2", "HUAWEICLOUD_SDK_AK": "AK", "HUAWEICLOUD_SDK_SK": canary}, withSource("environment")},
		"keys with token": {
			"la-north-2",
			env{"HUAWEICLOUD_SDK_AK": "AK", "HUAWEICLOUD_SDK_SK": canary, "HUAWEICLOUD_SDK_SECURITY_TOKEN": canary},
			withSource("environment"),
		},
		"identity provider": {
			"la-north-2",
			env{"HUAWEICLOUD_SDK_IDP_ID": "idp", "HUAWEICLOUD_SDK_ID_TOKEN_FILE": "testdata/keys/token"},
			withSource("environment"),
		},
		"flag over variable": {"la-north-2", env{"HUAWEICLOUD_REGION": "la-south-2"}, withSource("chain")},
		"region only":        {"", env{"HUAWEICLOUD_REGION": "la-north-2"}, withSource("chain")},
		"project and IAM endpoint": {
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
		"nothing":            {"", nil, "environment: HUAWEICLOUD_REGION: missing; set it or --region to the ID of a region, such as la-north-2, or set --config.file"},
		"unknown region":     {"xx-north-1", nil, `environment: HUAWEICLOUD_REGION: unknown region "xx-north-1"; check the spelling, or set HUAWEICLOUD_SDK_REGION_WORKSPACE_XX_NORTH_1 to its endpoint`},
		"secret key missing": {"la-north-2", env{"HUAWEICLOUD_SDK_AK": "AK"}, "environment: HUAWEICLOUD_SDK_SK: missing; set it together with HUAWEICLOUD_SDK_AK"},
		"access key missing": {"la-north-2", env{"HUAWEICLOUD_SDK_SK": canary}, "environment: HUAWEICLOUD_SDK_AK: missing; set it together with HUAWEICLOUD_SDK_SK"},
		"security token only": {
			"la-north-2",
			env{"HUAWEICLOUD_SDK_SECURITY_TOKEN": canary},
			"environment: HUAWEICLOUD_SDK_AK: missing; set it together with HUAWEICLOUD_SDK_SK\n" +
				"environment: HUAWEICLOUD_SDK_SK: missing; set it together with HUAWEICLOUD_SDK_AK",
		},
		"ID token file missing": {
			"la-north-2",
			env{"HUAWEICLOUD_SDK_IDP_ID": "idp", "HUAWEICLOUD_SDK_AK": "AK", "HUAWEICLOUD_SDK_SK": canary},
			"environment: HUAWEICLOUD_SDK_ID_TOKEN_FILE: missing; set it together with HUAWEICLOUD_SDK_IDP_ID",
		},
		"all invalid": {
			"la north",
			env{
				"HUAWEICLOUD_SDK_AK": "AK ", "HUAWEICLOUD_SDK_SK": canary + "\n", "HUAWEICLOUD_SDK_ID_TOKEN_FILE": "testdata/keys/nowhere",
				"HUAWEICLOUD_SDK_PROJECT_ID": "a/b", "HUAWEICLOUD_SDK_IAM_ENDPOINT": "http://iam.example.com",
			},
			`environment: HUAWEICLOUD_REGION: invalid region ID "la north"; use an ID such as la-north-2, without spaces
environment: HUAWEICLOUD_SDK_AK: contains a space, a line break or another character that keys and tokens do not have; copy it again
environment: HUAWEICLOUD_SDK_IAM_ENDPOINT: plain http can be intercepted and is allowed for loopback addresses only; use https
environment: HUAWEICLOUD_SDK_IDP_ID: missing; set it together with HUAWEICLOUD_SDK_ID_TOKEN_FILE
environment: HUAWEICLOUD_SDK_ID_TOKEN_FILE: "testdata/keys/nowhere": cannot read file: no such file or directory; check the path and the permissions
environment: HUAWEICLOUD_SDK_PROJECT_ID: invalid project ID "a/b"; copy the ID from My Credentials in the console
environment: HUAWEICLOUD_SDK_SK: contains a space, a line break or another character that keys and tokens do not have; copy it again`,
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
			if containsCanary(got) {
				t.Error("output contains a secret")
			}
		})
	}
}
