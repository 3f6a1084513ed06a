//go:build unix

package cli_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/testkit"
	"github.com/actionhero-go/actionhero/internal/testkit/redistest"
)

// The console of one node shows and changes what is on all nodes of the cluster.
func TestTheConsoleShowsAllNodesOfACluster(t *testing.T) {
	t.Parallel()
	redis, prefix := redistest.Redis.Shared(t), redistest.Prefix()
	node := func(id string) string {
		return consoleConfig(t, map[string]any{
			"general": map[string]any{"id": id}, "redis": map[string]any{"enable": true, "url": "redis://" + redis.Addr, "prefix": prefix},
		})
	}
	config := node("one")
	one, two := serve(t, config), serve(t, node("two"))
	testkit.Eventually(t, "the nodes know each other", func() bool {
		peers, err := one.Cluster.Peers(t.Context())
		return err == nil && len(peers) == 2
	})
	joined(t, one, "lobby")
	far := joined(t, two, "lobby")
	list, err := two.Conns.List(t.Context(), actionhero.ConnFilter{})
	if err != nil || list.Total != 2 {
		t.Fatalf("%+v, %v", list, err)
	}
	id := list.Conns[0].ID
	if list.Conns[0].Node != "two" {
		id = list.Conns[1].ID
	}
	for _, tt := range []struct {
		flags []string
		line  string
		want  string
	}{
		{nil, "status", `(?s)^node +one\n.*cluster +2 nodes\nconnections +2: 2 tcp\n`},
		{nil, "peers", `(?s)one \* .* 1 .*two .* 1 .*\* answers this console`},
		{nil, "conns", `(?s)ROOMS +NODE\n.*lobby +(one|two)\n.*lobby +(one|two)\n$`},
		{nil, "conn " + id, `node +two\n`},
		{nil, "rooms", `2 +lobby\n`},
		{nil, "room lobby", `(?s)ID +NODE\n.* +two\n`},
		{nil, "say lobby hi", `^The message is sent to 2 members of "lobby".\n$`},
		{nil, "cache set a 1", `^"a" is 1`},
		{[]string{"--offline"}, "conns", `(?s)lobby +(one|two)\n.*lobby +(one|two)\n$`},
		{[]string{"--offline"}, "status", `(?s)cluster +3 nodes\nconnections +2: 2 tcp\ncache +1 value\n`},
		{[]string{"--offline"}, "kick " + id + " bye", `is closed`},
	} {
		if out, errs, code := enter(t, config, tt.line, tt.flags...); code != 0 || !regexp.MustCompile(tt.want).MatchString(out) {
			t.Errorf("%s %v: exit code %d: %s%s", tt.line, tt.flags, code, out, errs)
		}
	}
	enter(t, config, "tasks enqueue runAction action=status")
	testkit.Eventually(t, "the list of jobs names the node that ran the job", func() bool {
		out, _, _ := enter(t, config, "tasks list")
		return regexp.MustCompile(`ATTEMPT +NODE\n.*completed +runAction.* (one|two)\n$`).MatchString(out)
	})
	if line := far.Next(); !strings.Contains(line, `"message":"hi"`) {
		t.Errorf("the client of the other node read %s", line)
	}
	testkit.Eventually(t, "the client of the other node is gone", func() bool {
		list, err := one.Conns.List(t.Context(), actionhero.ConnFilter{})
		return err == nil && list.Total == 1
	})
}
