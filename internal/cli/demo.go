// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/collector"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/config"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/simulator"
)

// demoInterval is the interval at which desktops of the demo change.
const demoInterval = 20 * time.Second

// demo is a simulated cloud with the configuration to export it.
type demo struct {
	yaml string
	run  func(ctx context.Context) // changes desktops until ctx ends
	stop func()
}

// startDemo starts the simulated cloud on a loopback port. The exporter reads it
// as it reads any other cloud.
func startDemo(logger log.Logger) (*demo, error) {
	cloud := simulator.New(simulator.Options{Seed: simulator.DemoSeed})
	fleet := simulator.NewDemo(cloud, simulator.DemoSeed)
	url, stop, err := cloud.Start("127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	level.Info(logger).Log("msg", "Simulated cloud started", "url", url)
	key := fleet.Key()
	yaml := "projects:\n"
	for _, p := range fleet.Projects() {
		yaml += fmt.Sprintf(`  - name: %s
    region: %s
    project_id: %s
    endpoint: %s
    iam_endpoint: %s
    credentials: {access_key: %s, secret_key: %s}
`, p.Name, p.Region, p.ID, url, url, key.AccessKey, key.SecretKey)
	}
	yaml += `policies:
  - {name: outward-facing, eip: required, tags: {eip: required}}
  - {name: inward-only, eip: forbidden, tags: {eip: forbidden}}
`
	run := func(ctx context.Context) { fleet.Run(ctx, demoInterval) }
	return &demo{yaml, run, stop}, nil
}

// load returns the demo's configuration, checked as that of a file.
func (d *demo) load() (*config.Config, error) {
	return config.Parse("demo", []byte(d.yaml), config.Options{Families: collector.FamilyNames()})
}
