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

// The parameters of lists.
const (
	paramSort = "sort"
	paramPage = "page"
	paramSize = "size"
)

// pageSizes returns the numbers of rows per page that can be selected. The first is
// the default.
func pageSizes() []int { return []int{50, 100, 500} }

// pageRange is the page of a list that is requested.
type pageRange struct{ page, size int } // page counts from 1

// parsePageRange parses the parameters page and size. With an error, it returns the
// parameters that are valid.
func parsePageRange(query url.Values) (pageRange, error) {
	p := pageRange{1, pageSizes()[0]}
	if v := query.Get(paramPage); v != "" {
		n, err := strconv.Atoi(v)
		if err != nil || n < 1 {
			return p, fmt.Errorf("parameter %q must be a page number from 1, not %q", paramPage, v)
		}
		p.page = n
	}
	if v := query.Get(paramSize); v != "" {
		n, err := strconv.Atoi(v)
		if err != nil || !slices.Contains(pageSizes(), n) {
			return p, fmt.Errorf("parameter %q must be one of %s, not %q", paramSize, strings.Trim(fmt.Sprint(pageSizes()), "[]"), v)
		}
		p.size = n
	}
	return p, nil
}

// bounds returns the half-open range of the page's items in a list of total items.
func (p pageRange) bounds(total int) (from, to int) {
	if p.page > p.pageCount(total) {
		return total, total
	}
	from = (p.page - 1) * p.size
	return from, min(from+p.size, total)
}

// pageCount returns the number of pages; an empty list has one.
func (p pageRange) pageCount(total int) int { return max(1, (total+p.size-1)/p.size) }

// clamp replaces a page after the last by the last, and reports whether it did.
func (p *pageRange) clamp(total int) bool {
	last := p.pageCount(total)
	exceeded := p.page > last
	p.page = min(p.page, last)
	return exceeded
}

// addTo adds the parameters that differ from their defaults to query.
func (p pageRange) addTo(query url.Values) {
	if p.page > 1 {
		query.Set(paramPage, strconv.Itoa(p.page))
	}
	if p.size != pageSizes()[0] {
		query.Set(paramSize, strconv.Itoa(p.size))
	}
}

// pager is the navigation between the pages of a list.
type pager struct {
	From, To, Total int
	Previous, Next  string // URLs; "": none
	Pages           []pageLink
}

// pageLink is a link to a page of the list.
type pageLink struct {
	Page    int
	Link    string
	Current bool
	Gap     bool // the pages before this one are omitted
}

// newPager returns links to the pages next to the current one, the first and the
// last. link returns the URL of a page.
func newPager(p pageRange, total int, link func(page int) string) pager {
	last := p.pageCount(total)
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
			out.Pages = append(out.Pages, pageLink{Page: n, Link: link(n), Current: n == p.page, Gap: n > shown+1})
			shown = n
		} else if n > p.page+1 {
			n = last - 1 // the next iteration is the last page
		}
	}
	return out
}

// hasEmptyValue reports whether a parameter has an empty value, which forms send for
// empty fields.
func hasEmptyValue(query url.Values) bool {
	for _, values := range query {
		if slices.ContainsFunc(values, func(v string) bool { return strings.TrimSpace(v) == "" }) {
			return true
		}
	}
	return false
}

// redirect redirects the browser to a path with parameters.
func (s *server) redirect(w http.ResponseWriter, path string, query url.Values) {
	w.Header().Set("Location", s.LinkPrefix+urlFor(path, query))
	w.WriteHeader(http.StatusSeeOther)
}

// urlFor returns a path with parameters.
func urlFor(path string, query url.Values) string {
	if encoded := query.Encode(); encoded != "" {
		return path + "?" + encoded
	}
	return path
}
