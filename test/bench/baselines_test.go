// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"compress/gzip"
	"context"
	"io"
	"net/http"
	"strconv"
	"testing"

	kgzip "github.com/klauspost/compress/gzip"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/kube-state-metrics/v2/pkg/metric"
	metricsstore "k8s.io/kube-state-metrics/v2/pkg/metrics_store"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/collector"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/exposition"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
)

// countingWriter is a response writer that counts bytes.
type countingWriter struct {
	header http.Header
	bytes  int
}

func (s *countingWriter) Header() http.Header { return s.header }
func (s *countingWriter) WriteHeader(int)     {}

func (s *countingWriter) Write(b []byte) (int, error) {
	s.bytes += len(b)
	return len(b), nil
}

// scrape requests the text format with gzip, as Prometheus does.
func scrape(tb testing.TB, h http.Handler, w http.ResponseWriter) {
	tb.Helper()
	r, err := http.NewRequest(http.MethodGet, "/metrics", nil)
	if err != nil {
		tb.Fatal(err)
	}
	r.Header.Set("Accept", "text/plain;version=0.0.4;q=0.5,*/*;q=0.1")
	r.Header.Set("Accept-Encoding", "gzip")
	h.ServeHTTP(w, r)
}

// exporterHandler returns the handler of the exporter.
func exporterHandler(read func() *inventory.Snapshot) http.Handler {
	return exposition.NewEncoder(exposition.Options{}).Handler(func(context.Context) []*inventory.Snapshot {
		return []*inventory.Snapshot{read()}
	}, nil)
}

// promhttpHandler returns promhttp over a registry with the collector.
func promhttpHandler(read func() *inventory.Snapshot) http.Handler {
	registry := prometheus.NewRegistry()
	registry.MustRegister(collector.New(collector.Families(collector.Options{}), func() []*collector.Scope {
		return collector.Scopes([]*inventory.Snapshot{read()})
	}))
	return promhttp.HandlerFor(registry, promhttp.HandlerOpts{})
}

// kubeStore is the metrics store of kube-state-metrics with the families of
// desktops.
type kubeStore struct {
	store *metricsstore.MetricsStore
}

// kubeObject is a desktop with a UID, which the store requires.
type kubeObject struct {
	metav1.ObjectMeta
	record *inventory.Record
}

func newKubeStore(records []*inventory.Record) (*kubeStore, error) {
	s := &kubeStore{metricsstore.NewMetricsStore(kubeHeaders(), func(o any) []metric.FamilyInterface {
		return kubeFamilies(o.(*kubeObject).record)
	})}
	return s, s.update(records)
}

func (s *kubeStore) update(records []*inventory.Record) error {
	for _, r := range records {
		if err := s.store.Update(&kubeObject{metav1.ObjectMeta{UID: types.UID(r.Desktop.ID)}, r}); err != nil {
			return err
		}
	}
	return nil
}

// write writes all samples compressed by gzip, as kube-state-metrics does.
func (s *kubeStore) write(w io.Writer) error {
	z := gzip.NewWriter(w)
	if err := metricsstore.NewMetricsWriter(s.store).WriteAll(z); err != nil {
		return err
	}
	return z.Close()
}

var kubeNames = []string{"eips", "info", "network_info", "network_interfaces", "security_group_info", "security_groups", "status"}

func kubeHeaders() []string {
	var headers []string
	for _, m := range collector.Table() {
		for _, n := range kubeNames {
			if m.Name == "huaweicloud_workspace_desktop_"+n {
				headers = append(headers, "# HELP "+m.Name+" "+m.Help+"\n# TYPE "+m.Name+" gauge")
			}
		}
	}
	return headers
}

// kubeFamilies returns the families of a desktop for kube-state-metrics.
func kubeFamilies(r *inventory.Record) []metric.FamilyInterface {
	const project, region = "0123456789abcdef0123456789abcdef", "la-north-2"
	d, n := r.Desktop, r.Networks
	family := func(name string, ms ...*metric.Metric) metric.FamilyInterface {
		return &metric.Family{Name: "huaweicloud_workspace_desktop_" + name, Type: metric.Gauge, Metrics: ms}
	}
	count := func(value int) *metric.Metric {
		return &metric.Metric{
			LabelKeys: []string{"desktop_id", "project_id", "region"}, LabelValues: []string{d.ID, project, region},
			Value: float64(value),
		}
	}
	var networks, groups []*metric.Metric
	eips, distinct := 0, make(map[string]bool)
	for _, i := range n.Interfaces {
		if i.EIP.ID != "" {
			eips++
		}
		networks = append(networks, &metric.Metric{
			LabelKeys: []string{
				"desktop_id", "desktop_name", "eip_address", "eip_id", "port_id", "private_ip", "project_id", "region",
				"subnet_cidr", "subnet_id", "subnet_name", "vpc_cidr", "vpc_id", "vpc_name",
			},
			LabelValues: []string{
				d.ID, d.Name, i.EIP.Address, i.EIP.ID, i.PortID, i.PrivateIP, project, region,
				i.Subnet.CIDR, i.Subnet.ID, i.Subnet.Name, i.VPC.CIDR, i.VPC.ID, i.VPC.Name,
			},
			Value: 1,
		})
		for _, g := range i.SecurityGroups {
			distinct[g.ID] = true
			groups = append(groups, &metric.Metric{
				LabelKeys:   []string{"desktop_id", "port_id", "project_id", "region", "security_group_id", "security_group_name"},
				LabelValues: []string{d.ID, i.PortID, project, region, g.ID, g.Name},
				Value:       1,
			})
		}
	}
	info := &metric.Metric{
		LabelKeys: []string{
			"availability_zone", "desktop_id", "desktop_ip", "desktop_name", "desktop_type", "enterprise_project_id",
			"pool_id", "project_id", "region",
		},
		LabelValues: []string{
			d.AvailabilityZone, d.ID, d.IP, d.Name, d.Type, d.EnterpriseProjectID, d.PoolID, project, region,
		},
		Value: 1,
	}
	status := &metric.Metric{
		LabelKeys:   []string{"desktop_id", "project_id", "region", "status"},
		LabelValues: []string{d.ID, project, region, d.Status}, Value: 1,
	}
	// In the order of the table, which the headers have.
	return []metric.FamilyInterface{
		family("info", info), family("network_info", networks...), family("security_group_info", groups...),
		family("network_interfaces", count(len(n.Interfaces))), family("eips", count(eips)),
		family("security_groups", count(len(distinct))), family("status", status),
	}
}

// lowerBound copies finished text and compresses it at the fastest level.
type lowerBound struct {
	text, copied []byte
	writer       *kgzip.Writer
}

func newLowerBound(text []byte) (*lowerBound, error) {
	w, err := kgzip.NewWriterLevel(io.Discard, kgzip.BestSpeed)
	return &lowerBound{text: text, copied: make([]byte, len(text)), writer: w}, err
}

func (b *lowerBound) write(w io.Writer) error {
	copy(b.copied, b.text)
	b.writer.Reset(w)
	if _, err := b.writer.Write(b.copied); err != nil {
		return err
	}
	return b.writer.Close()
}

// percent formats a rate of change.
func percent(p int) string { return strconv.Itoa(p) + "%" }
