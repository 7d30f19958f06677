// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package grafana

import (
	"context"
	"fmt"
	"iter"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Scope is what is chosen: the values of the variables, and the time.
type Scope struct {
	Span
	Scrape time.Duration // how often Prometheus scrapes
	values map[string]string
	texts  map[string]string
	taken  map[string][]string // the options that there were, by variable
}

// Choose is asked for the value of a variable, out of its options. No value:
// what the dashboard chooses at first.
type Choose func(v Variable, options []Option) (value string)

// Option is an option of a variable: what people see, and what it means.
type Option struct{ Text, Value string }

// Resolve fills the variables of a dashboard one after the other, as each may
// need those before it.
func Resolve(ctx context.Context, p Prometheus, d Dashboard, s Scope, choose Choose) (Scope, error) {
	s.values, s.texts, s.taken = map[string]string{}, map[string]string{}, map[string][]string{}
	for _, v := range d.Templating.List {
		options, err := s.queryOptions(ctx, p, v)
		if err != nil {
			return s, fmt.Errorf("%s: variable %s: %w", d.File, v.Name, err)
		}
		for _, o := range options {
			s.taken[v.Name] = append(s.taken[v.Name], o.Value)
		}
		value := choose(v, options)
		switch {
		case value != "":
			s.values[v.Name] = v.format(value)
			s.texts[v.Name] = value
			for _, o := range options {
				if o.Value == value {
					s.texts[v.Name] = o.Text
				}
			}
		case v.IncludeAll:
			s.values[v.Name], s.texts[v.Name] = v.AllValue, "All"
		case v.Type == "query" && len(options) > 0:
			s.values[v.Name], s.texts[v.Name] = v.format(options[0].Value), options[0].Text
		default:
			s.values[v.Name], _ = v.Current.Value.(string)
			s.texts[v.Name], _ = v.Current.Text.(string)
		}
	}
	return s, nil
}

// Options returns the values that a variable could have been given.
func (s Scope) Options(variable string) []string { return s.taken[variable] }

// Text returns what people see of a variable's value.
func (s Scope) Text(variable string) string { return s.texts[variable] }

// queryOptions runs the query of a variable.
func (s Scope) queryOptions(ctx context.Context, p Prometheus, v Variable) ([]Option, error) {
	if v.Type != "query" {
		return nil, nil
	}
	query, ok := strings.CutPrefix(v.Definition, "query_result(")
	if !ok {
		return nil, fmt.Errorf("not a query_result: %s", v.Definition)
	}
	expr, err := s.Expand(strings.TrimSuffix(query, ")"))
	if err != nil {
		return nil, err
	}
	result, err := p.Instant(ctx, expr, s.To)
	if err != nil {
		return nil, err
	}
	pattern, err := regexp.Compile(strings.Trim(v.Regex, "/"))
	if err != nil {
		return nil, err
	}
	seen := map[string]bool{}
	var options []Option
	for _, line := range result.lines() {
		m := pattern.FindStringSubmatch(line)
		if m == nil {
			return nil, fmt.Errorf("%s does not match %s", v.Regex, line)
		}
		value := m[pattern.SubexpIndex("value")]
		text := value
		if i := pattern.SubexpIndex("text"); i >= 0 {
			text = m[i]
		}
		if !seen[value] {
			seen[value] = true
			options = append(options, Option{text, value})
		}
	}
	slices.SortFunc(options, func(a, b Option) int { return strings.Compare(a.Text+a.Value, b.Text+b.Value) })
	return options, nil
}

// format writes a value into a query: what can be chosen several times is part
// of a regular expression, what can not stands as it is.
func (v Variable) format(value string) string {
	if !v.Multi && !v.IncludeAll {
		return strings.ReplaceAll(value, `\`, `\\`)
	}
	return special.ReplaceAllString(strings.ReplaceAll(value, `\`, `\\\\`), `\\$0`)
}

var (
	special  = regexp.MustCompile(`[$^*{}\[\]'+?.()|]`)
	variable = regexp.MustCompile(`\$(\w+)|\$\{(\w+)(?::\w+)?\}|\[\[(\w+)\]\]`)
)

// Expand writes the values of variables into a query. One that is unknown is an
// error: Grafana would leave it as it is.
func (s Scope) Expand(text string) (string, error) {
	var unknown error
	out := variable.ReplaceAllStringFunc(text, func(match string) string {
		m := variable.FindStringSubmatch(match)
		name := m[1] + m[2] + m[3]
		switch name {
		case "__range":
			return seconds(s.To.Sub(s.From))
		case "__interval":
			return seconds(s.Step)
		case "__rate_interval":
			return seconds(max(s.Step+s.Scrape, 4*s.Scrape))
		}
		value, ok := s.values[name]
		if !ok {
			unknown = fmt.Errorf("there is no variable %s: %s", name, text)
		}
		return value
	})
	return out, unknown
}

func seconds(d time.Duration) string { return fmt.Sprintf("%ds", int(d.Seconds())) }

func mapKeys(m map[string]string) iter.Seq[string] { return maps.Keys(m) }

// Run runs a query of a panel.
func Run(ctx context.Context, p Prometheus, t Target, s Scope) (Result, error) {
	expr, err := s.Expand(t.Expr)
	if err != nil {
		return Result{}, err
	}
	if t.Range {
		return p.Range(ctx, expr, s.Span)
	}
	return p.Instant(ctx, expr, s.To)
}

// DefaultScope is the scope of a dashboard whose variables have their defaults, and
// whose queries have not run.
func DefaultScope(d Dashboard, over Span) Scope {
	s := Scope{Span: over, Scrape: over.Step, values: map[string]string{}, texts: map[string]string{}}
	for _, v := range d.Templating.List {
		s.values[v.Name], _ = v.Current.Value.(string)
		if v.IncludeAll {
			s.values[v.Name] = v.AllValue
		}
	}
	return s
}
