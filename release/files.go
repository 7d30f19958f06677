// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"cmp"
	"compress/gzip"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// file is one of a release, wherever it is put. Its name is that in archives.
type file struct {
	name string
	mode fs.FileMode
	data []byte
}

// shipped says which files of the sources go into every archive, and where.
// The folder deploy/systemd is for Linux only.
func shipped() []struct{ pattern, folder string } {
	return []struct{ pattern, folder string }{
		{"LICENSE", ""},
		{"NOTICE", ""},
		{"README.md", ""},
		{"CHANGELOG.md", ""},
		{"docs/huaweicloud_workspace_exporter.example.yml", ""},
		{"deploy/prometheus/*.yml", "prometheus"},
		{"dashboards/*.json", "dashboards"},
		{"deploy/systemd/*", "systemd"},
	}
}

// common reads these files.
func (r *release) common() ([]file, error) {
	var files []file
	for _, s := range shipped() {
		paths, err := filepath.Glob(filepath.Join(r.sources, filepath.FromSlash(s.pattern)))
		if err != nil {
			return nil, err
		}
		if len(paths) == 0 {
			return nil, fmt.Errorf("there is no %s", s.pattern)
		}
		for _, p := range paths {
			data, err := os.ReadFile(p)
			if err != nil {
				return nil, err
			}
			files = append(files, file{name: path.Join(s.folder, filepath.Base(p)), mode: 0o644, data: data})
		}
	}
	return files, nil
}

// archive puts a build into a tar.gz, or a zip for Windows, whose files are all
// in one folder.
func (r *release) archive(folder string, b build, shared []file) (data []byte, name string, err error) {
	files := []file{b.binary, b.licences, b.sbom}
	for _, f := range shared {
		if b.os == "linux" || !strings.HasPrefix(f.name, "systemd/") {
			files = append(files, f)
		}
	}
	slices.SortFunc(files, func(a, b file) int { return cmp.Compare(a.name, b.name) })
	if b.os == "windows" {
		data, err := r.zip(folder, files)
		return data, folder + ".zip", err
	}
	data, err = r.tarball(folder, files)
	return data, folder + ".tar.gz", err
}

func (r *release) tarball(folder string, files []file) ([]byte, error) {
	var out bytes.Buffer
	packed, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	archive := tar.NewWriter(packed)
	for _, f := range files {
		header := &tar.Header{
			Name: path.Join(folder, f.name), Mode: int64(f.mode), Size: int64(len(f.data)), ModTime: r.date,
			Uname: "root", Gname: "root", Format: tar.FormatUSTAR,
		}
		if err := archive.WriteHeader(header); err != nil {
			return nil, err
		}
		if _, err := archive.Write(f.data); err != nil {
			return nil, err
		}
	}
	if err := archive.Close(); err != nil {
		return nil, err
	}
	if err := packed.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

func (r *release) zip(folder string, files []file) ([]byte, error) {
	var out bytes.Buffer
	archive := zip.NewWriter(&out)
	for _, f := range files {
		header := &zip.FileHeader{Name: path.Join(folder, f.name), Method: zip.Deflate, Modified: r.date}
		header.SetMode(f.mode)
		w, err := archive.CreateHeader(header)
		if err != nil {
			return nil, err
		}
		if _, err := w.Write(f.data); err != nil {
			return nil, err
		}
	}
	if err := archive.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// gzipped packs data without a name or a time.
func gzipped(data []byte) ([]byte, error) {
	var out bytes.Buffer
	w, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(data); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}
