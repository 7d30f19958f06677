// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package simulator

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"time"
)

// epoch returns the creation time of the first generated desktop.
func epoch() time.Time { return time.Date(2026, 1, 5, 8, 0, 0, 0, time.UTC) }

// GenerateDesktops returns n desktops for load tests: with one interface each, in
// subnets of 3,000, with one or two security groups, 40% with an EIP. The same
// arguments return the same desktops, and a larger n appends to those of a smaller n.
func GenerateDesktops(n int, seed uint64) []Desktop {
	g := generator{rng: rand.New(rand.NewPCG(seed, 1)), nextEIP: netip.MustParseAddr("198.18.0.1")}
	groups := []Group{{g.newID(), "Sys-default"}, {g.newID(), "workspace-users"}, {g.newID(), "office"}, {g.newID(), "engineering"}}
	pools := []string{"", g.newID(), g.newID(), g.newID()}
	teams := []string{"finance", "engineering", "support", "sales", "design"}
	const perSubnet, perVPC = 3000, 16
	desktops := make([]Desktop, 0, n)
	var vpc VPC
	var net *network
	for i := range n {
		if i%(perSubnet*perVPC) == 0 {
			k := i / (perSubnet * perVPC)
			vpc = VPC{g.newID(), fmt.Sprintf("vpc-%02d", k), fmt.Sprintf("10.%d.0.0/16", k%256)}
		}
		if i%perSubnet == 0 {
			k := i / perSubnet
			net = g.newNetwork(vpc, fmt.Sprintf("subnet-%03d", k), fmt.Sprintf("10.%d.%d.0/20", k/perVPC%256, k%perVPC*16))
		}
		team := teams[g.rng.IntN(len(teams))]
		first := g.rng.IntN(len(groups))
		belongs := []Group{groups[first]}
		if g.chance(0.3) {
			belongs = append(belongs, groups[(first+1)%len(groups)])
		}
		d := g.newDesktop(fmt.Sprintf("%s-%06d", team[:3], i), net, belongs)
		if g.chance(0.4) {
			d.Interfaces[0].EIP = g.newEIP()
		}
		d.Created = epoch().Add(time.Duration(i) * time.Second)
		d.Status = "ACTIVE"
		d.PoolID = pools[g.rng.IntN(len(pools))]
		d.Tags = []Tag{{"team", team}}
		desktops = append(desktops, d)
	}
	return desktops
}

// generator generates objects that depend on its seed only.
type generator struct {
	rng     *rand.Rand
	nextEIP netip.Addr // next address
}

func (g *generator) chance(p float64) bool { return g.rng.Float64() < p }

// pick returns one of its arguments at random.
func pick[T any](g *generator, of ...T) T { return of[g.rng.IntN(len(of))] }

// newID returns an ID in the format of a UUID.
func (g *generator) newID() string {
	hi, lo := g.rng.Uint64(), g.rng.Uint64()
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], hi&^0xf000|0x4000)
	binary.BigEndian.PutUint64(b[8:], lo&^(0xc<<60)|0x8<<60)
	h := hex.EncodeToString(b[:])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

func (g *generator) newEIP() *EIP {
	e := &EIP{g.newID(), g.nextEIP.String()}
	g.nextEIP = g.nextEIP.Next()
	return e
}

// network is a subnet that allocates addresses, released ones first.
type network struct {
	VPC
	Subnet
	nextAddress netip.Addr
	released    []string
}

func (g *generator) newNetwork(vpc VPC, name, cidr string) *network {
	gateway := netip.MustParsePrefix(cidr).Addr().Next()
	return &network{VPC: vpc, Subnet: Subnet{g.newID(), name, cidr}, nextAddress: gateway.Next()}
}

// newInterface returns an interface with an address of the network.
func (g *generator) newInterface(n *network, groups []Group) Interface {
	var address string
	if len(n.released) > 0 {
		address, n.released = n.released[0], n.released[1:]
	} else {
		address, n.nextAddress = n.nextAddress.String(), n.nextAddress.Next()
	}
	return Interface{PortID: g.newID(), PrivateIP: address, VPC: n.VPC, Subnet: n.Subnet, Groups: groups}
}

// newDesktop returns a desktop with one interface and a random user.
func (g *generator) newDesktop(name string, n *network, groups []Group) Desktop {
	i := g.newInterface(n, groups)
	user := pick(g, "ana", "wei", "lucia", "arjun", "mei", "diego", "sofia", "kenji", "fatima", "olu", "ines", "tomas") + "." +
		pick(g, "garcia", "chen", "silva", "patel", "tan", "morales", "kim", "haddad", "okafor", "novak", "lopez", "lim")
	return Desktop{
		ID: g.newID(), Name: name, HostName: strings.ToUpper(name), IP: i.PrivateIP,
		UserName: user, UserGroup: "users", Users: []User{{g.newID(), user, "users"}},
		EnterpriseProjectID: "0", Type: "DEDICATED", DetailType: "DEDICATED", SubnetID: n.Subnet.ID,
		ConnectStatus: "DISCONNECTED", Interfaces: []Interface{i},
	}
}
