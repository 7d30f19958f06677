// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

// Package deploy tests the files in deploy/. It renders the manifests, the chart
// and the Compose files with the libraries of kustomize, Helm and Compose, decodes
// them strictly, and runs the real exporter with their flags and files. It is a
// separate module to keep the Kubernetes and Helm dependencies out of the others.
package deploy
