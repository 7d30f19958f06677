// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package simulator

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"
)

// DemoSeed is the seed of --demo, which is the same on every run.
const DemoSeed = 1

// Demo simulates a small company: two offices, each with a project in its own
// region, and about 300 desktops that change slowly.
type Demo struct {
	cloud   *Cloud
	mu      sync.Mutex // serializes steps
	offices []*office
	rng     *rand.Rand
}

// DemoProject is a project of the demo and its name in the configuration.
type DemoProject struct {
	Name string
	Project
}

// office is a project and the parameters of its new desktops.
type office struct {
	DemoProject
	generator
	code    string // prefix of desktop names
	zones   []string
	teams   []*team
	storage *network // network of second interfaces
	size    int      // target number of desktops
	serial  int
}

// team is a department with similar desktops.
type team struct {
	name                string
	percentage          int // of the desktops of an office
	network             *network
	groups              []Group
	eipProbability      float64 // of having an EIP
	policy              string  // value of the tag eip: required, allowed or forbidden
	secondInterface     float64 // probability of a second interface
	pool                string
	desktopType         string
	enterpriseProjectID string
}

// NewDemo adds the projects, desktops and key of the demo to a cloud.
func NewDemo(cloud *Cloud, seed uint64) *Demo {
	d := &Demo{cloud: cloud, rng: rand.New(rand.NewPCG(seed, 2))}
	d.offices = []*office{
		newOffice(rand.New(rand.NewPCG(seed, 3)), "office-mexico", "la-north-2", "mex", 172, "203.0.113.10", 184),
		newOffice(rand.New(rand.NewPCG(seed, 4)), "office-singapore", "ap-southeast-3", "sin", 10, "198.51.100.10", 116),
	}
	for _, o := range d.offices {
		desktops := make([]Desktop, 0, o.size)
		for range o.size {
			desktops = append(desktops, o.newDesktop())
		}
		for range 6 {
			o.FreeEIPs = append(o.FreeEIPs, *o.newEIP())
		}
		cloud.AddProject(o.Project)
		cloud.SetDesktops(o.ID, desktops)
	}
	cloud.AddKey(d.Key())
	return d
}

// Key returns the access key of the demo, which is valid for the demo only.
func (d *Demo) Key() Key {
	return Key{AccessKey: "DEMOACCESSKEY0000001", SecretKey: "demo-secret-key-that-opens-nothing-else"}
}

// Projects returns the projects of the demo.
func (d *Demo) Projects() []DemoProject {
	out := make([]DemoProject, 0, len(d.offices))
	for _, o := range d.offices { // without the fields that steps change
		out = append(out, DemoProject{Name: o.Name, Project: Project{ID: o.ID, Name: o.Project.Name, Region: o.Region}})
	}
	return out
}

// newOffice returns an office with its networks and teams, but without desktops.
func newOffice(rng *rand.Rand, name, region, code string, net int, firstEIP string, size int) *office {
	o := &office{generator: generator{rng: rng, nextEIP: netip.MustParseAddr(firstEIP)}, code: code, size: size}
	o.DemoProject = DemoProject{Name: name, Project: Project{ID: fmt.Sprintf("%016x%016x", rng.Uint64(), rng.Uint64()), Name: region, Region: region}}
	o.zones = []string{region + "a", region + "b"}
	cidr := func(format string) string { return fmt.Sprintf(format, net) }
	main := VPC{o.newID(), "vpc-office", cidr("%d.20.0.0/16")}
	lab := VPC{o.newID(), "vpc-lab", cidr("%d.21.0.0/16")}
	storage := VPC{o.newID(), "vpc-storage", "192.168.64.0/20"}
	base, users := Group{o.newID(), "Sys-default"}, Group{o.newID(), "workspace-users"}
	ledgers, builds, open := Group{o.newID(), "finance-ledgers"}, Group{o.newID(), "build-farm"}, Group{o.newID(), "lab-open"}
	o.storage = o.newNetwork(storage, "subnet-storage", "192.168.64.0/24")
	o.teams = []*team{
		{
			name: "finance", percentage: 25, network: o.newNetwork(main, "subnet-finance", cidr("%d.20.1.0/24")),
			groups: []Group{users, ledgers}, eipProbability: 0.02, policy: "forbidden", desktopType: "DEDICATED", enterpriseProjectID: o.newID(),
		},
		{
			name: "engineering", percentage: 35, network: o.newNetwork(main, "subnet-engineering", cidr("%d.20.2.0/23")),
			groups: []Group{base, users, builds}, eipProbability: 0.6, policy: "allowed", secondInterface: 0.3, desktopType: "DEDICATED", enterpriseProjectID: "0",
		},
		{
			name: "support", percentage: 25, network: o.newNetwork(main, "subnet-support", cidr("%d.20.4.0/25")),
			groups: []Group{users}, eipProbability: 0.94, policy: "required", pool: o.newID(), desktopType: "SHARED", enterpriseProjectID: "0",
		},
		{
			name: "research", percentage: 15, network: o.newNetwork(lab, "subnet-lab", cidr("%d.21.0.0/22")),
			groups: []Group{open}, eipProbability: 0.5, policy: "allowed", secondInterface: 0.1, pool: o.newID(), desktopType: "DEDICATED", enterpriseProjectID: "0",
		},
	}
	return o
}

// newDesktop returns the next desktop of an office.
func (o *office) newDesktop() Desktop {
	t := o.teams[0]
	for at, i := o.rng.IntN(100), 0; at >= t.percentage; {
		at -= t.percentage
		i++
		t = o.teams[i]
	}
	o.serial++
	d := o.generator.newDesktop(fmt.Sprintf("%s-%s-%04d", o.code, t.name[:3], o.serial), t.network, t.groups)
	d.Created = epoch().Add(time.Duration(o.serial) * 37 * time.Minute)
	d.AvailabilityZone = pick(&o.generator, o.zones...)
	d.EnterpriseProjectID, d.PoolID, d.Type, d.DetailType = t.enterpriseProjectID, t.pool, t.desktopType, t.desktopType
	d.Tags = []Tag{{"team", t.name}, {"eip", t.policy}}
	if o.chance(0.5) {
		d.Tags = append(d.Tags, Tag{"cost-center", fmt.Sprint(4000 + 10*o.rng.IntN(8))})
	}
	if o.chance(t.secondInterface) {
		d.Interfaces = append(d.Interfaces, o.newInterface(o.storage, t.groups[:1]))
	}
	if o.chance(t.eipProbability) {
		d.Interfaces[0].EIP = o.allocateEIP()
	}
	o.randomizeState(&d)
	return d
}

// randomizeState sets a random status and connect status.
func (o *office) randomizeState(d *Desktop) {
	d.TaskStatus, d.ConnectStatus = "", "DISCONNECTED"
	switch p := o.rng.Float64(); {
	case p < 0.72:
		d.Status = "ACTIVE"
		d.ConnectStatus = pick(&o.generator, "CONNECTED", "CONNECTED", "REGISTERED", "DISCONNECTED")
	case p < 0.9:
		d.Status = "SHUTOFF"
	case p < 0.98:
		d.Status = "HIBERNATED"
	default:
		d.Status = "ERROR"
	}
}

// Run calls Step at an interval until ctx is done.
func (d *Demo) Run(ctx context.Context, interval time.Duration) {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			d.Step()
		}
	}
}

// Step changes one desktop and returns a description of the change. Steps depend on
// the seed only, unless others change the desktops.
func (d *Demo) Step() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	o := d.offices[d.rng.IntN(len(d.offices))]
	desktops := d.cloud.store.desktops(o.ID)
	what := d.rng.Float64()
	if len(desktops) == 0 || what < 0.2 && d.rng.IntN(2*o.size) >= len(desktops) { // keeps the number near size
		fresh := o.newDesktop()
		d.cloud.AddProject(o.Project)
		d.cloud.PutDesktop(o.ID, fresh)
		return fmt.Sprintf("%s: %s appeared", o.Name, fresh.Name)
	}
	one := pick(&o.generator, desktops...)
	switch {
	case what < 0.2:
		o.releaseAddresses(one)
		d.cloud.AddProject(o.Project)
		d.cloud.DeleteDesktop(o.ID, one.ID)
		return fmt.Sprintf("%s: %s went", o.Name, one.Name)
	case what < 0.55:
		return d.rebindEIP(o, desktops)
	case what < 0.62:
		name := strings.ToLower(one.HostName) + pick(&o.generator, "", "-loan", "-spare", "-test", "-win11")
		d.cloud.UpdateDesktop(o.ID, one.ID, func(x *Desktop) { x.Name = name })
		return fmt.Sprintf("%s: %s is called %s now", o.Name, one.Name, name)
	default:
		d.cloud.UpdateDesktop(o.ID, one.ID, o.randomizeState)
		return fmt.Sprintf("%s: %s changed its state", o.Name, one.Name)
	}
}

// rebindEIP binds or unbinds the EIP of a random desktop, such that in the long run
// each team has its percentage of EIPs.
func (d *Demo) rebindEIP(o *office, desktops []*Desktop) string {
	for {
		one := pick(&o.generator, desktops...)
		t := o.teams[slices.IndexFunc(o.teams, func(t *team) bool { return t.network.Subnet.ID == one.SubnetID })]
		had := one.Interfaces[0].EIP
		if o.chance(t.eipProbability) == (had != nil) {
			continue // matches the probability already
		}
		var has *EIP
		said := "lost"
		if had == nil {
			had = o.allocateEIP()
			has, said = had, "got"
		} else {
			o.FreeEIPs = append(o.FreeEIPs, *had)
		}
		d.cloud.AddProject(o.Project)
		d.cloud.UpdateDesktop(o.ID, one.ID, func(x *Desktop) { x.Interfaces[0].EIP = has })
		return fmt.Sprintf("%s: %s %s %s", o.Name, one.Name, said, had.Address)
	}
}

// allocateEIP returns the free EIP that was released first, or a new one.
func (o *office) allocateEIP() *EIP {
	if len(o.FreeEIPs) == 0 {
		return o.newEIP()
	}
	eip := o.FreeEIPs[0]
	o.FreeEIPs = slices.Delete(o.FreeEIPs, 0, 1)
	return &eip
}

// releaseAddresses releases the private IPs and EIPs of a deleted desktop.
func (o *office) releaseAddresses(gone *Desktop) {
	for _, n := range gone.Interfaces {
		for _, in := range o.networks() {
			if in.Subnet.ID == n.Subnet.ID {
				in.released = append(in.released, n.PrivateIP)
			}
		}
		if n.EIP != nil {
			o.FreeEIPs = append(o.FreeEIPs, *n.EIP)
		}
	}
}

// networks returns all networks of the office.
func (o *office) networks() []*network {
	all := []*network{o.storage}
	for _, t := range o.teams {
		all = append(all, t.network)
	}
	return all
}
