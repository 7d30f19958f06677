// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// The parameters of every list that has pages.
const (
	paramSort = "sort"
	paramPage = "page"
	paramSize = "size"
)

// sizes are the numbers of rows that a page of a list may have; the first is
// what it has unless asked.
func sizes() []int { return []int{50, 100, 500} }

// part is which part of a list is asked for.
type part struct{ page, size int } // pages count from 1

// readPart reads which part of a list is asked for.
func readPart(query url.Values) (part, error) {
	p := part{1, sizes()[0]}
	if v := query.Get(paramPage); v != "" {
		n, err := strconv.Atoi(v)
		if err != nil || n < 1 {
			return p, fmt.Errorf("parameter %q takes the number of a page, from 1, not %q", paramPage, v)
		}
		p.page = n
	}
	if v := query.Get(paramSize); v != "" {
		n, err := strconv.Atoi(v)
		if err != nil || !slices.Contains(sizes(), n) {
			return p, fmt.Errorf("parameter %q takes %s, not %q", paramSize, strings.Trim(fmt.Sprint(sizes()), "[]"), v)
		}
		p.size = n
	}
	return p, nil
}

// bounds gives the first item of the part and the one behind its last, of total.
func (p part) bounds(total int) (from, to int) {
	if p.page > p.pages(total) {
		return total, total
	}
	from = (p.page - 1) * p.size
	return from, min(from+p.size, total)
}

// pages tells how many there are; an empty list has one.
func (p part) pages(total int) int { return max(1, (total+p.size-1)/p.size) }

// clamp makes a page behind the last the last, and tells whether it was one.
func (p *part) clamp(total int) bool {
	last := p.pages(total)
	behind := p.page > last
	p.page = min(p.page, last)
	return behind
}

// values adds the part to parameters, but for what goes without saying.
func (p part) values(to url.Values) {
	if p.page > 1 {
		to.Set(paramPage, strconv.Itoa(p.page))
	}
	if p.size != sizes()[0] {
		to.Set(paramSize, strconv.Itoa(p.size))
	}
}

// pager is what a page shows of the other pages of its list.
type pager struct {
	From, To, Total int
	Previous, Next  string // links; "": there is none
	Steps           []step
}

// step is a link to a page of the list.
type step struct {
	Page    int
	Link    string
	Current bool
	Gap     bool // pages before this one are left out
}

// newPager makes the links to the pages around the current one, the first and
// the last. link gives the link to a page.
func newPager(p part, total int, link func(page int) string) pager {
	last := p.pages(total)
	from, to := p.bounds(total)
	out := pager{From: from + 1, To: to, Total: total}
	if p.page > 1 {
		out.Previous = link(p.page - 1)
	}
	if p.page < last {
		out.Next = link(p.page + 1)
	}
	shown := 0
	for n := 1; n <= last; n++ {
		if n == 1 || n == last || n >= p.page-1 && n <= p.page+1 {
			out.Steps = append(out.Steps, step{Page: n, Link: link(n), Current: n == p.page, Gap: n > shown+1})
			shown = n
		} else if n > p.page+1 {
			n = last - 1 // the next is the last
		}
	}
	return out
}

// takes refuses a request with a parameter that is not named, or with several
// values for one of the single ones; ok tells whether it did not. It gives the
// parameters.
func takes(w http.ResponseWriter, r *http.Request, single, several []string) (query url.Values, ok bool) {
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		refuse(w, http.StatusBadRequest, "the parameters cannot be read: %s", err)
		return nil, false
	}
	return query, allowed(w, r, query, single, several)
}

// blank tells whether a parameter was given without a value, as forms do.
func blank(query url.Values) bool {
	for _, values := range query {
		if slices.ContainsFunc(values, func(v string) bool { return strings.TrimSpace(v) == "" }) {
			return true
		}
	}
	return false
}

// redirect sends the browser to the same page with other parameters.
func (s *server) redirect(w http.ResponseWriter, path string, query url.Values) {
	w.Header().Set("Location", s.LinkPrefix+at(path, query))
	w.WriteHeader(http.StatusSeeOther)
}

// at is a path with parameters.
func at(path string, query url.Values) string {
	if encoded := query.Encode(); encoded != "" {
		return path + "?" + encoded
	}
	return path
}

// field is a field of a form.
type field struct {
	Name, Label, Value string
	Hint               string
	Select             bool // one of the options; otherwise any text, and the options are proposals
	Options            []option
	Kept               []string // several values, which no field can show: they stay as they are
}

type option struct {
	Value, Text string
	Selected    bool
}

// choice makes a field that takes one of the options. A value that is none of
// them, as a link may have, becomes one.
func choice(name, label string, values []string, options ...option) field {
	f := field{Name: name, Label: label, Select: true, Options: options}
	f.take(values)
	if f.Value == "" {
		return f
	}
	found := false
	for i := range f.Options {
		f.Options[i].Selected = f.Options[i].Value == f.Value
		found = found || f.Options[i].Selected
	}
	if !found {
		f.Options = append(f.Options, option{f.Value, f.Value, true})
	}
	return f
}

// mostProposals is how many names a field proposes. Any other may be typed.
const mostProposals = 200

// proposed makes a field that takes any text, with proposals.
func proposed(name, label string, values, proposals []string) field {
	f := field{Name: name, Label: label}
	for _, p := range proposals[:min(len(proposals), mostProposals)] {
		f.Options = append(f.Options, option{Value: p})
	}
	f.take(values)
	return f
}

func (f *field) take(values []string) {
	if len(values) == 1 {
		f.Value = values[0]
	} else {
		f.Kept = values
	}
}
