// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

// Package deploy checks that the files in deploy/ work: manifests,
// chart and compose file are rendered by the libraries of those who read them,
// decoded strictly, and their flags and files given to the real exporter. It is
// a module of its own, so that Kubernetes and Helm stay out of the others.
package deploy
