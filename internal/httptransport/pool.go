// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package httptransport

import (
	"net/http"
	"reflect"
	"slices"
	"sync"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/config"
)

// Pool shares connections: it has one transport for each distinct
// configuration, for as long as the transport is in use. Its methods may be
// called concurrently.
type Pool struct {
	dial   DialFunc
	getenv func(string) string

	mu      sync.Mutex
	entries []*entry
}

// entry is a shared transport. Its pointer identifies it, see [Pool.Get].
type entry struct {
	http.RoundTripper
	cfg   config.HTTP
	users int
}

// NewPool returns an empty pool. dial opens all connections; nil is a dialer
// with a timeout of 10 seconds. getenv reads the proxy variables.
func NewPool(dial DialFunc, getenv func(string) string) *Pool {
	return &Pool{dial: dial, getenv: getenv}
}

// Get returns the transport for cfg, and a function that releases it. The
// transports of equal configurations are the same comparable value.
func (p *Pool) Get(cfg config.HTTP) (rt http.RoundTripper, release func(), err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	i := slices.IndexFunc(p.entries, func(e *entry) bool { return reflect.DeepEqual(e.cfg, cfg) })
	if i < 0 {
		rt, err := build(cfg, p.dial, p.getenv)
		if err != nil {
			return nil, nil, err
		}
		i = len(p.entries)
		p.entries = append(p.entries, &entry{RoundTripper: rt, cfg: cfg})
	}
	e := p.entries[i]
	e.users++
	return e, sync.OnceFunc(func() { p.release(e) }), nil
}

// Len returns the number of transports in use.
func (p *Pool) Len() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.entries)
}

func (p *Pool) release(e *entry) {
	p.mu.Lock()
	defer p.mu.Unlock()
	e.users--
	if e.users > 0 {
		return
	}
	p.entries = slices.DeleteFunc(p.entries, func(o *entry) bool { return o == e })
	if c, ok := e.RoundTripper.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}
