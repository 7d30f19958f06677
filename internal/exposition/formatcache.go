// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package exposition

import (
	"slices"
	"sync"
	"time"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/collector"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
)

// formatCache caches what was encoded in one format and encoding. It splits the
// desktops of a project into chunks, and keeps the fragments of a chunk as long
// as its records are the same.
type formatCache struct {
	families    []collector.Family
	format      format
	compression compression

	used time.Time // guarded by Encoder.mu

	mu       sync.Mutex
	projects map[string]*projectCache // by Scope.Key

	compressors chan compressor // idle ones
}

// projectCache is the part of a formatCache for one scope.
type projectCache struct {
	used    time.Time
	writers []sampleWriter // by family
	chunks  []*chunk
	shared  *sharedObjects
}

// sharedObjects are the VPCs, subnets, security groups and findings of a project
// with their fragments.
type sharedObjects struct {
	vpcs     []inventory.VPC
	subnets  []inventory.SubnetUsage
	groups   []inventory.SecurityGroup
	checked  []inventory.FindingReason
	findings []inventory.Finding
	encoded
}

// encoded has one fragment for each family of a kind, in one buffer.
type encoded struct {
	data    []byte
	offsets []offset
}

// offset is the end of a fragment in encoded.data, and its checksum.
type offset struct {
	end int
	checksum
}

func (e *encoded) fragment(i int) fragment {
	start := 0
	if i > 0 {
		start = e.offsets[i-1].end
	}
	return fragment{e.data[start:e.offsets[i].end], e.offsets[i].checksum}
}

// maxWorkers limits the number of goroutines that encode for one scrape.
const maxWorkers = 8

func newFormatCache(families []collector.Family, f format, c compression) *formatCache {
	return &formatCache{
		families: families, format: f, compression: c,
		projects: make(map[string]*projectCache), compressors: make(chan compressor, maxWorkers),
	}
}

// projectView is an immutable view of a projectCache, for one response.
type projectView struct {
	scope   *collector.Scope
	writers []sampleWriter // by family
	chunks  []*chunk
	shared  *sharedObjects
}

// response returns the response for scopes, with the families of these names, or
// all if there are none. The caller must release its compressor.
func (fc *formatCache) response(scopes []*collector.Scope, names []string, now time.Time) *response {
	r := &response{compression: fc.compression, compressor: fc.newCompressor(), projects: fc.update(scopes, now)}
	desktopFamilies, sharedFamilies := 0, 0
	for i := range fc.families {
		f := &fc.families[i]
		var cached func(projectView, func(fragment))
		switch f.Kind() {
		case collector.DesktopKind:
			cached = desktopFragments(desktopFamilies)
			desktopFamilies++
		case collector.SharedKind:
			cached = sharedFragments(sharedFamilies)
			sharedFamilies++
		case collector.ProjectKind:
		}
		if !requested(names, f.Name) {
			continue
		}
		if cached != nil {
			r.appendFamily(fc.format, &f.Metric, cached)
		} else {
			r.append(fc.encodeProjects(i, r.projects))
		}
	}
	return r
}

// encodeProjects encodes the i-th family, of projects. It is not cached, since it
// changes from scrape to scrape.
func (fc *formatCache) encodeProjects(i int, projects []projectView) []byte {
	f := &fc.families[i]
	var samples []byte
	for _, p := range projects {
		f.Emit(collector.NewEmitter(p.scope, func(row []string, value float64) {
			samples = p.writers[i].append(samples, row, value)
		}), nil)
	}
	if len(samples) == 0 {
		return nil
	}
	return append(fc.format.header(&f.Metric, len(samples)), samples...)
}

// update encodes what changed since the last scrape and returns a view of each
// scope. It deletes what was not used lately.
func (fc *formatCache) update(scopes []*collector.Scope, now time.Time) []projectView {
	fc.mu.Lock()
	defer fc.mu.Unlock()
	for key, p := range fc.projects {
		if now.Sub(p.used) > cacheTTL {
			delete(fc.projects, key)
		}
	}
	var jobs []job
	var views []projectView
	for _, s := range scopes {
		p := fc.project(s, now)
		var fresh []*chunk
		p.chunks, fresh = rechunk(p.chunks, s.Records)
		for _, c := range fresh {
			jobs = append(jobs, job{scope: s, project: p, chunk: c})
		}
		if !p.shared.equal(s.Snapshot) {
			p.shared = &sharedObjects{vpcs: s.VPCs, subnets: s.Subnets, groups: s.SecurityGroups, checked: s.CheckedReasons, findings: s.Findings}
			jobs = append(jobs, job{scope: s, project: p, shared: p.shared})
		}
		views = append(views, projectView{s, p.writers, p.chunks, p.shared})
	}
	fc.run(jobs)
	return views
}

// project returns the cache of a scope.
func (fc *formatCache) project(s *collector.Scope, now time.Time) *projectCache {
	p := fc.projects[s.Key]
	if p == nil {
		p = &projectCache{}
		for i := range fc.families {
			p.writers = append(p.writers, fc.format.newSampleWriter(&fc.families[i].Metric, s.Project))
		}
		fc.projects[s.Key] = p
	}
	p.used = now
	return p
}

// equal reports whether o has the content of a snapshot. If so, it refers to the
// slices of that snapshot from then on, so that those of an older one can be
// freed.
func (o *sharedObjects) equal(s *inventory.Snapshot) bool {
	if o == nil || !slices.Equal(o.vpcs, s.VPCs) || !slices.Equal(o.subnets, s.Subnets) ||
		!slices.Equal(o.groups, s.SecurityGroups) || !slices.Equal(o.checked, s.CheckedReasons) || !slices.Equal(o.findings, s.Findings) {
		return false
	}
	o.vpcs, o.subnets, o.groups, o.checked, o.findings = s.VPCs, s.Subnets, s.SecurityGroups, s.CheckedReasons, s.Findings
	return true
}

// newCompressor returns an idle compressor, or a new one.
func (fc *formatCache) newCompressor() compressor {
	select {
	case c := <-fc.compressors:
		return c
	default:
		return fc.compression.newCompressor()
	}
}

// release makes a compressor available again.
func (fc *formatCache) release(c compressor) {
	select {
	case fc.compressors <- c:
	default:
	}
}
