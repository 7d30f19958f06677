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

// demoDrift is how often something happens to the desktops of the demo.
const demoDrift = 20 * time.Second

// demonstration is a simulated cloud with the configuration to export it.
type demonstration struct {
	yaml  string
	drift func(ctx context.Context) // goes on until ctx ends
	stop  func()
}

// startDemo starts the simulated cloud on a loopback port. From there on it is
// exported as any other cloud is.
func startDemo(logger log.Logger) (*demonstration, error) {
	cloud := simulator.New(simulator.Options{Seed: simulator.DemoSeed})
	demo := simulator.NewDemo(cloud, simulator.DemoSeed)
	url, stop, err := cloud.Start("127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	level.Info(logger).Log("msg", "Simulated cloud started", "url", url)
	key := demo.Key()
	yaml := "projects:\n"
	for _, p := range demo.Projects() {
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
	drift := func(ctx context.Context) { demo.Run(ctx, demoDrift) }
	return &demonstration{yaml, drift, stop}, nil
}

// load gives the demo's configuration, through the same checks as a file's.
func (d *demonstration) load() (*config.Config, error) {
	return config.Parse("demo", []byte(d.yaml), config.Options{Families: collector.FamilyNames()})
}
