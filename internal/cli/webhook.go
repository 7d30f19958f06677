// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"fmt"
	"net/http"

	"github.com/go-kit/log/level"
	"github.com/prometheus/common/version"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/config"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/httptransport"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/webhook"
)

// hook is the webhook of a configuration; the zero value is none.
type hook struct {
	key        string // changes when anything about it changes
	receiver   *webhook.Receiver
	release    func()
	unverified bool
}

// openHook makes what sends to a webhook, or gives the one in force where
// nothing changed.
func (x *exporter) openHook(c *config.Webhook) (hook, error) {
	if c.IsZero() {
		return hook{}, nil
	}
	key := c.Fingerprint()
	if key == x.hook.key {
		return x.hook, nil
	}
	transport, release, err := x.transports.Get(c.HTTP)
	if err != nil {
		return hook{}, fmt.Errorf("changes.webhook: %w", err)
	}
	return hook{
		key: key, release: release, unverified: c.HTTP.TLS.InsecureSkipVerify,
		receiver: &webhook.Receiver{
			URL: c.ReadURL,
			Header: func() (http.Header, error) {
				header, err := c.ReadHeader()
				if err == nil {
					header.Set("User-Agent", name+"/"+version.Version)
				}
				return header, err
			},
			Transport:     transport,
			DescribeError: func(err error) string { return httptransport.Explain("the receiver", err).Detail },
			Timeout:       config.Duration(c.Timeout),
			QueueSize:     c.Queue,
		},
	}, nil
}

// takeHook puts a webhook in force. One that did not change goes on as if
// nothing had happened.
func (x *exporter) takeHook(h hook) {
	if x.config.Load() != nil && h.key == x.hook.key {
		return
	}
	if h.unverified {
		level.Warn(x.logger).Log("msg", "TLS certificates are not verified: whoever is in between can read and change everything",
			"key", "changes.webhook.http.tls_config.insecure_skip_verify")
	}
	old := x.hook
	x.hook = h
	x.webhook.SetReceiver(h.receiver)
	old.close()
}

// dropHook lets go of a webhook that did not come into force.
func (x *exporter) dropHook(h hook) {
	if h.key != x.hook.key {
		h.close()
	}
}

func (h hook) close() {
	if h.release != nil {
		h.release()
	}
}
