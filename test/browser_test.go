// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/audits"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// browser is a headless Chromium that looks at the pages of an exporter. At the
// end of the test it reports everything that no page may do: break the content
// policy, send a request elsewhere, run a script, open a dialog.
type browser struct {
	testing.TB
	ctx  context.Context
	site string

	mu      sync.Mutex
	trouble []string
}

// browse opens a browser, which ends with the test.
func browse(t testing.TB, x *process) *browser {
	t.Helper()
	ctx, cancel := chromedp.NewContext(context.Background(), chromedp.WithAllocatorOptions(
		chromedp.Headless, chromedp.DisableGPU, chromedp.NoSandbox, chromedp.NoFirstRun, chromedp.UserDataDir(t.TempDir()),
	))
	t.Cleanup(cancel)
	ctx, cancel = context.WithTimeout(ctx, 4*time.Minute)
	t.Cleanup(cancel)
	b := &browser{TB: t, ctx: ctx, site: x.url}
	if err := chromedp.Listen(ctx, b.watch); err != nil {
		t.Fatalf("chromium does not start: %v", err)
	}
	call(b, network.Enable, network.EnableParams{})
	call(b, log.Enable, cdp.Empty{})
	call(b, audits.Enable, cdp.Empty{})
	t.Cleanup(func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		for _, what := range b.trouble {
			t.Error(what)
		}
	})
	return b
}

// watch notes what no page may do.
func (b *browser) watch(event any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		if !strings.HasPrefix(e.Request.URL, b.site+"/") && e.Request.URL != "about:blank" {
			b.trouble = append(b.trouble, "a page requests "+e.Request.URL)
		}
	case *log.EventEntryAdded:
		if strings.Contains(e.Entry.Text, "responded with a status of 40") {
			return // the answer to a mistake is a page, too
		}
		b.trouble = append(b.trouble, fmt.Sprintf("browser log: %s %s", e.Entry.Level, e.Entry.Text))
	case *runtime.EventConsoleAPICalled:
		b.trouble = append(b.trouble, "a script of a page writes to the console")
	case *runtime.EventExceptionThrown:
		b.trouble = append(b.trouble, "a script of a page fails: "+e.ExceptionDetails.Text)
	case *page.EventJavascriptDialogOpening:
		b.trouble = append(b.trouble, "a page opens a dialog: "+e.Message)
	case *audits.EventIssueAdded:
		if e.Issue.Code == audits.InspectorIssueCodeContentSecurityPolicyIssue {
			b.trouble = append(b.trouble, fmt.Sprintf("a page breaks the content policy: %+v", e.Issue.Details.ContentSecurityPolicyIssueDetails))
		}
	}
}

// call has the browser do something.
func call[P, R any](b *browser, command cdp.Command[P, R], params P) R {
	b.Helper()
	result, err := chromedp.Call(b.ctx, command, params)
	if err != nil {
		b.Fatalf("%s: %v", command.Method, err)
	}
	return result
}

// open shows a page and waits until it is there.
func (b *browser) open(path string) {
	b.Helper()
	b.do("open "+path, chromedp.Navigate(b.site+path))
}

func (b *browser) do(what string, steps ...chromedp.Action[chromedp.Void]) {
	b.Helper()
	if err := chromedp.Do(b.ctx, steps...); err != nil {
		b.Fatalf("%s: %v", what, err)
	}
}

// navigate does what leads to another page, and waits until that is there.
func (b *browser) navigate(what string, step chromedp.Action[chromedp.Void]) {
	b.Helper()
	if _, err := chromedp.RunResponse(b.ctx, step); err != nil {
		b.Fatalf("%s: %v", what, err)
	}
}

// click follows a link or presses a button.
func (b *browser) click(selector string) {
	b.Helper()
	b.navigate("click "+selector, chromedp.Click(chromedp.CSS(selector)))
}

// press types keys to whatever has the focus.
func (b *browser) press(keys string) {
	b.Helper()
	b.do("press a key", chromedp.KeyEvent(keys))
}

// pressEnter presses Enter, which leads to another page.
func (b *browser) pressEnter() {
	b.Helper()
	b.navigate("press Enter", chromedp.KeyEvent(kb.Enter))
}

// path is where the browser is.
func (b *browser) path() string {
	b.Helper()
	return strings.TrimPrefix(eval[string](b, `location.href`), b.site)
}

// texts returns the texts of all elements that a selector finds.
func (b *browser) texts(selector string) []string {
	b.Helper()
	return eval[[]string](b, fmt.Sprintf(`[...document.querySelectorAll(%q)].map(e => e.textContent)`, selector))
}

// setViewport sets the width of the window and the colour scheme.
func (b *browser) setViewport(width, height int64, scheme string) {
	b.Helper()
	b.do("set the size", chromedp.EmulateViewport(width, height))
	call(b, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
	})
}

// eval evaluates a script in the page, and awaits a promise. It is the browser's tool that runs this, which no content
// policy keeps from it.
func eval[T any](b *browser, expression string) T {
	b.Helper()
	result, err := chromedp.Run(b.ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		b.Fatalf("%s: %v", expression, err)
	}
	return result
}
