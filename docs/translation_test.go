// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package docs

import (
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// chinese is the suffix of the path of a Chinese page.
const chinese = ".zh-CN.md"

// TestTranslations compares every Chinese page with the English one: headings,
// code without comments, links, tables and code spans.
func TestTranslations(t *testing.T) {
	var pages []string
	for _, d := range documents(t) {
		if strings.HasSuffix(d.path, chinese) {
			pages = append(pages, d.path)
			compareTranslation(t, readDocument(t, strings.TrimSuffix(d.path, chinese)+".md"), d)
		}
	}
	if want := []string{"README.zh-CN.md", "docs/quickstart.zh-CN.md"}; !slices.Equal(pages, want) {
		t.Errorf("the Chinese pages are %q, want %q", pages, want)
	}
}

func compareTranslation(t *testing.T, from, to *document) {
	t.Helper()
	base := strings.TrimSuffix(path.Base(from.path), ".md")
	choice := "[English](" + base + ".md) | [简体中文](" + base + chinese + ")"
	for _, d := range []*document{from, to} {
		if lines := strings.SplitN(d.text, "\n", 4); len(lines) < 4 || lines[2] != choice {
			t.Errorf("%s must have below its title: %s", d.path, choice)
		}
	}
	levels := func(d *document) (l []int) {
		for _, h := range d.headings {
			l = append(l, h.level)
		}
		return l
	}
	if a, b := levels(from), levels(to); !slices.Equal(a, b) {
		t.Fatalf("%s has headings of the levels %v, %s %v", from.path, a, to.path, b)
	}
	if len(from.blocks) != len(to.blocks) {
		t.Fatalf("%s has %d blocks of code, %s %d", from.path, len(from.blocks), to.path, len(to.blocks))
	}
	for i, b := range from.blocks {
		if b.language != to.blocks[i].language || withoutComments(b.text) != withoutComments(to.blocks[i].text) {
			t.Errorf("%s: this block differs from that of %s:\n%s", to.path, from.path, to.blocks[i].text)
		}
	}
	if a, b := linkTargets(from), linkTargets(to); !slices.Equal(a, b) {
		t.Errorf("%s has other links: %q", to.path, difference(a, b))
	}
	if len(from.tables) != len(to.tables) {
		t.Fatalf("%s has %d rows in tables, %s %d", from.path, len(from.tables), to.path, len(to.tables))
	}
	for i, row := range from.tables {
		if len(row) != len(to.tables[i]) || strings.HasPrefix(row[0], "`") && row[0] != to.tables[i][0] {
			t.Errorf("%s: the row %q differs from %q", to.path, to.tables[i], row)
		}
	}
	a, b := sections(from), sections(to)
	for i := range a {
		if x, y := codeSpans(a[i]), codeSpans(b[i]); !slices.Equal(x, y) {
			t.Errorf("%s, in section %d, has other code spans than %s: %q", to.path, i, from.path, difference(x, y))
		}
	}
}

var comment = regexp.MustCompile(`(?m)[ \t]*(^|[ \t])#.*$`)

func withoutComments(code string) string { return comment.ReplaceAllString(code, "") }

// linkTargets returns the targets of a page's links, sorted and unique. A translated
// page counts as the English one.
func linkTargets(d *document) (targets []string) {
	for _, link := range d.links {
		name, _, ok := d.resolve(link)
		if !ok {
			name = link
		} else if english, isChinese := strings.CutSuffix(name, chinese); isChinese {
			name = english + ".md"
		}
		targets = append(targets, name)
	}
	slices.Sort(targets)
	return slices.Compact(targets)
}

// sections returns the text between headings, without blocks of code.
func sections(d *document) []string {
	text := regexp.MustCompile("(?ms)^ *```.*?^ *```$").ReplaceAllString(d.text, "")
	return regexp.MustCompile(`(?m)^#{1,6} .*$`).Split(text, -1)
}

// codeSpans returns the code spans of a text, sorted and unique.
func codeSpans(text string) []string {
	spans := inlineCode.FindAllString(text, -1)
	slices.Sort(spans)
	return slices.Compact(spans)
}

// difference returns the elements that only one of two sorted lists has.
func difference(a, b []string) (only []string) {
	for _, x := range a {
		if !slices.Contains(b, x) {
			only = append(only, "- "+x)
		}
	}
	for _, x := range b {
		if !slices.Contains(a, x) {
			only = append(only, "+ "+x)
		}
	}
	return only
}

// TestTranslatedLinks checks that Chinese pages link to the Chinese version of a
// page, if it exists.
func TestTranslatedLinks(t *testing.T) {
	for _, d := range documents(t) {
		if !strings.HasSuffix(d.path, chinese) {
			continue
		}
		for _, link := range d.links {
			name, _, ok := d.resolve(link)
			base, isPage := strings.CutSuffix(name, ".md")
			if !ok || !isPage || strings.HasSuffix(name, chinese) || base+chinese == d.path {
				continue
			}
			if _, err := os.Stat(filepath.FromSlash(base + chinese)); err == nil {
				t.Errorf("%s links to %s, which exists in Chinese", d.path, link)
			}
		}
	}
}

func TestWithoutComments(t *testing.T) {
	for _, tc := range []struct{ a, b string }{
		{"# one\nx: 1   # two\n", "# 一\nx: 1 # 二\n"},
		{"key: a#b\n", "key: a#b\n"},
	} {
		if x, y := withoutComments(tc.a), withoutComments(tc.b); x != y {
			t.Errorf("%q and %q differ", x, y)
		}
	}
	if withoutComments("key: a#b\n") == withoutComments("key: a#c\n") || withoutComments("x: 1 # a\n") == withoutComments("x: 2 # a\n") {
		t.Error("different code compares as equal")
	}
}
