// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package app

import (
	"fmt"
	"net/http"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/config"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/httptransport"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/webhook"
)

// webhookTarget is the webhook of a configuration. The zero value means no webhook.
type webhookTarget struct {
	key      string // changes when anything about the webhook changes
	receiver *webhook.Receiver
}

// openWebhook builds the configuration's webhook, or reuses the old one if
// it did not change.
func (b *builder) openWebhook() error {
	c := &b.next.config.Changes.Webhook
	if c.IsZero() {
		return nil
	}
	key := c.Fingerprint()
	if b.reuse("webhook " + key) {
		b.next.webhook = b.old.webhook
		return nil
	}
	transport, release, err := b.transports.Get(c.HTTP)
	if err != nil {
		return fmt.Errorf("changes.webhook: %w", err)
	}
	b.opened("webhook "+key, release)
	if c.HTTP.TLS.InsecureSkipVerify {
		b.warnUnverified("key", "changes.webhook.http.tls_config.insecure_skip_verify")
	}
	userAgent := b.userAgent
	b.next.webhook = webhookTarget{key: key, receiver: &webhook.Receiver{
		URL: c.ReadURL,
		Header: func() (http.Header, error) {
			header, err := c.ReadHeader()
			if err == nil {
				header.Set("User-Agent", userAgent)
			}
			return header, err
		},
		Transport:     transport,
		DescribeError: func(err error) string { return httptransport.Explain("the receiver", err).Detail },
		Timeout:       config.Duration(c.Timeout),
		QueueSize:     c.Queue,
	}}
	return nil
}
