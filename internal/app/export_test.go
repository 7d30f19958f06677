// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package app

import (
	"context"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/changes"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/exposition"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/web"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/webhook"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/workspace"
)

// Internals of App for tests.

const (
	SaveInterval = saveInterval
)

func (a *App) SaveState() (saved bool) {
	_ = a.do(context.Background(), func() { saved = a.saver.save() })
	return saved
}

func (a *App) Clients() map[string]*workspace.ProjectClient { return a.runtime.Load().clients }

func (a *App) WebhookReceiver() *webhook.Receiver { return a.runtime.Load().webhook.receiver }

func (a *App) Exposition() *exposition.Encoder { return a.runtime.Load().exposition }

func (a *App) History() *changes.History { return a.history }

func (a *App) Quotas() []web.Quota { return a.quotas() }
