// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package docs

import (
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"
)

// document is a parsed Markdown page.
type document struct {
	path     string
	text     string
	headings []heading
	blocks   []codeBlock
	links    []string // their targets
	tables   [][]string
}

type heading struct {
	level  int
	text   string
	anchor string // as GitHub makes it
}

type codeBlock struct {
	language string
	text     string
}

var (
	fence      = regexp.MustCompile("^( *)```(.*)$")
	atx        = regexp.MustCompile(`^(#{1,6}) (.+)$`)
	inlineCode = regexp.MustCompile("`[^`\n]+`")
	inlineLink = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	listedLink = regexp.MustCompile(`^\[[^\]]+\]: (\S+)$`)
)

// readDocument parses a page. Its path is relative to the root, with slashes.
func readDocument(t testing.TB, name string) *document {
	t.Helper()
	data, err := os.ReadFile(filepath.FromSlash(name))
	if err != nil {
		t.Fatal(err)
	}
	d := &document{path: name, text: string(data)}
	d.parse(strings.Split(d.text, "\n"))
	return d
}

func (d *document) parse(lines []string) {
	anchors := map[string]int{}
	for i := 0; i < len(lines); i++ {
		line := lines[i]
		if m := fence.FindStringSubmatch(line); m != nil {
			b := codeBlock{language: strings.TrimSpace(m[2])}
			for i++; i < len(lines) && strings.TrimPrefix(lines[i], m[1]) != "```"; i++ {
				b.text += strings.TrimPrefix(lines[i], m[1]) + "\n"
			}
			d.blocks = append(d.blocks, b)
			continue
		}
		if m := atx.FindStringSubmatch(line); m != nil {
			h := heading{level: len(m[1]), text: m[2], anchor: slug(m[2])}
			n := anchors[h.anchor]
			anchors[h.anchor]++
			if n > 0 {
				h.anchor += fmt.Sprint("-", n)
			}
			d.headings = append(d.headings, h)
		}
		if strings.HasPrefix(line, "| ") {
			d.tables = append(d.tables, strings.Split(strings.Trim(line, "| "), " | "))
		}
		prose := inlineCode.ReplaceAllString(line, "")
		for _, m := range inlineLink.FindAllStringSubmatch(prose, -1) {
			d.links = append(d.links, m[1])
		}
		if m := listedLink.FindStringSubmatch(prose); m != nil {
			d.links = append(d.links, m[1])
		}
	}
}

// slug returns the anchor of a heading, as GitHub computes it.
func slug(title string) string {
	title = regexp.MustCompile(`\[([^\]]*)\]\([^)]*\)`).ReplaceAllString(title, "$1")
	return strings.Map(func(r rune) rune {
		switch {
		case r == ' ':
			return '-'
		case r == '-' || r == '_' || unicode.IsLetter(r) || unicode.IsNumber(r):
			return unicode.ToLower(r)
		}
		return -1
	}, title)
}

// documents returns all pages of the repository.
func documents(t testing.TB) []*document {
	t.Helper()
	var all []*document
	err := filepath.WalkDir(".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (entry.Name() == ".git" || entry.Name() == "node_modules"):
			return filepath.SkipDir
		case !entry.IsDir() && strings.HasSuffix(name, ".md"):
			all = append(all, readDocument(t, filepath.ToSlash(name)))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 25 {
		t.Fatalf("only %d pages found", len(all))
	}
	return all
}

// resolve returns the file and the anchor to which a link leads; ok is false for a
// link out of the repository.
func (d *document) resolve(link string) (name, anchor string, ok bool) {
	u, err := url.Parse(link)
	if err != nil || u.Scheme != "" {
		return "", "", false
	}
	name = d.path
	if u.Path != "" {
		name = path.Join(path.Dir(d.path), u.Path)
	}
	return name, u.Fragment, true
}

// TestDocumentLinks checks every link and anchor of every page. Links out of the
// repository must be https URLs.
func TestDocumentLinks(t *testing.T) {
	pages := map[string]*document{}
	for _, d := range documents(t) {
		pages[d.path] = d
	}
	followed := 0
	for _, d := range pages {
		for _, link := range d.links {
			followed++
			name, anchor, ok := d.resolve(link)
			if !ok {
				if u, err := url.Parse(link); err != nil || u.Scheme != "https" || u.Host == "" {
					t.Errorf("%s: %s is not an https URL", d.path, link)
				}
				continue
			}
			if _, err := os.Stat(filepath.FromSlash(name)); err != nil {
				t.Errorf("%s: %s has no target", d.path, link)
				continue
			}
			page, isPage := pages[name]
			if anchor != "" && isPage && !slices.ContainsFunc(page.headings, func(h heading) bool { return h.anchor == anchor }) {
				t.Errorf("%s: %s: no such heading", d.path, link)
			}
		}
	}
	if followed < 100 {
		t.Errorf("only %d links found", followed)
	}
}

// TestDocumentIndexes checks that all pages of docs/ and all runbooks are in their
// indexes.
func TestDocumentIndexes(t *testing.T) {
	for _, index := range []string{"docs/README.md", "docs/runbooks/README.md"} {
		d := readDocument(t, index)
		named := map[string]int{}
		for _, link := range d.links {
			if name, _, ok := d.resolve(link); ok {
				named[name]++
			}
		}
		entries, err := os.ReadDir(path.Dir(index))
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			name := path.Join(path.Dir(index), e.Name())
			if path.Ext(name) == ".go" {
				continue
			}
			if e.IsDir() {
				if name == "docs/images" {
					continue
				}
				name += "/README.md"
			}
			if name != index && named[name] == 0 {
				t.Errorf("%s does not link %s", index, name)
			}
		}
	}
}

func TestSlug(t *testing.T) {
	for title, want := range map[string]string{
		"Which desktops lack an EIP?":         "which-desktops-lack-an-eip",
		"`max_staleness`, and [more](x.md)":   "max_staleness-and-more",
		"Kubernetes: a pod":                   "kubernetes-a-pod",
		"快速入门：十分钟":                            "快速入门十分钟",
		"One desktop, from the wire - 2 ways": "one-desktop-from-the-wire---2-ways",
	} {
		if got := slug(title); got != want {
			t.Errorf("%q gets the anchor %q, want %q", title, got, want)
		}
	}
}
