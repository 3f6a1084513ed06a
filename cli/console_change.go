package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/actionhero-go/actionhero/internal/control"
	"github.com/actionhero-go/actionhero/internal/jsonx"
)

// change sends a request that changes something, and prints a sentence that says what has changed.
func change[T any](c *console, cmd *cobra.Command, method, target string, body any, done func(answer *T) string) error {
	answer, err := ask[T](cmd.Context(), c, method, target, body)
	if err != nil {
		return err
	}
	if c.asJSON {
		return printJSON(c.out, answer)
	}
	_, err = fmt.Fprintln(c.out, printable(done(&answer)))
	return err
}

func (c *console) kick() *cobra.Command {
	return &cobra.Command{
		Use: "kick ID [REASON]", Short: "Close a connection, on any node", Args: cobra.MinimumNArgs(1), ValidArgsFunction: c.completeConn,
		RunE: func(cmd *cobra.Command, args []string) error {
			body := control.Reason{Reason: strings.Join(args[1:], " ")}
			return change(c, cmd, http.MethodPost, "/conns/"+url.PathEscape(args[0])+"/close", body, func(*struct{}) string {
				return fmt.Sprintf("The connection %s is closed.", args[0])
			})
		},
	}
}

func (c *console) say() *cobra.Command {
	cmd := &cobra.Command{Use: "say ROOM TEXT", Short: "Send a message to a room, as the server", Args: cobra.MinimumNArgs(2), ValidArgsFunction: c.completeRoom}
	cmd.Flags().SetInterspersed(false) // the text may have dashes
	cmd.RunE = c.suggestRoom(func(cmd *cobra.Command, args []string) error {
		body := control.Message{Room: args[0], Text: strings.Join(args[1:], " ")}
		return change(c, cmd, http.MethodPost, "/rooms/messages", body, func(sent *control.Sent) string {
			return fmt.Sprintf("The message is sent to %s of %s.", plural(sent.Members, "member"), strconv.Quote(args[0]))
		})
	})
	return cmd
}

func (c *console) cacheCommand() *cobra.Command {
	limit := 100
	cache := &cobra.Command{Use: "cache", Short: "Look into the cache, and change it", RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() }}
	keys := look(c, "keys [PREFIX]", "List the keys that begin with PREFIX", cobra.MaximumNArgs(1),
		func(args []string) string {
			return target("/cache", "prefix", first(args), "limit", strconv.Itoa(limit))
		},
		func(_ []string, list *control.Keys) {
			for _, key := range list.Keys {
				fmt.Fprintln(c.out, printable(key))
			}
			switch {
			case len(list.Keys) == 0:
				fmt.Fprintln(c.out, "There are no such keys.")
			case list.More:
				fmt.Fprintln(c.out, "There are more; --limit shows them, a prefix selects.")
			}
		})
	keys.Flags().IntVar(&limit, "limit", 100, "largest number of keys, up to 1000")
	get := look(c, "get KEY", "Show a value", cobra.ExactArgs(1), entryOf, func(_ []string, e *control.Entry) { c.showEntry(e) })
	destroy := &cobra.Command{Use: "destroy KEY", Aliases: []string{"delete"}, Short: "Delete a value", Args: cobra.ExactArgs(1), RunE: func(cmd *cobra.Command, args []string) error {
		return change(c, cmd, http.MethodDelete, entryOf(args), nil, func(*struct{}) string {
			return fmt.Sprintf("The value under %s is deleted.", strconv.Quote(args[0]))
		})
	}}
	set := c.setCommand()
	keys.ValidArgsFunction, get.ValidArgsFunction, set.ValidArgsFunction, destroy.ValidArgsFunction = c.completeKey, c.completeKey, c.completeKey, c.completeKey
	cache.AddCommand(keys, get, set, destroy)
	return cache
}

// entryOf is the request for the entry of the cache under the key in args.
func entryOf(args []string) string { return "/cache/entry?key=" + url.QueryEscape(args[0]) }

func (c *console) showEntry(e *control.Entry) {
	_ = printOutput(c.out, e.Value)
	if c.confirm == nil {
		return // a script reads the value alone
	}
	expires := "never expires"
	if !e.Expires.IsZero() {
		expires = "expires in " + age(time.Until(e.Expires))
	}
	fmt.Fprintf(c.out, "created %s ago, %s\n", since(e.Created), expires)
}

func (c *console) setCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "set KEY VALUE [TTL]", Short: "Store a value", Args: cobra.RangeArgs(2, 3),
		Long: "Store a value. VALUE is JSON, or else a text. The value expires after TTL, such as 90s or 2h, or never.",
		RunE: func(cmd *cobra.Command, args []string) error {
			entry := control.NewEntry{Key: args[0], Value: json.RawMessage(args[1])}
			if jsonx.Unmarshal(entry.Value, new(any)) != nil {
				entry.Value, _ = jsonx.Marshal(args[1])
			}
			expiry := "never expires"
			if len(args) == 3 {
				ttl, err := time.ParseDuration(args[2])
				if err == nil && ttl <= 0 {
					err = errors.New("it is not positive")
				}
				if err != nil {
					return usage("the TTL is %q: write a duration such as 90s or 2h", args[2])
				}
				entry.TTL, expiry = ttl, "expires in "+age(ttl)
			}
			return change(c, cmd, http.MethodPut, "/cache/entry", entry, func(*struct{}) string {
				return fmt.Sprintf("%s is %s, and %s.", strconv.Quote(args[0]), entry.Value, expiry)
			})
		},
	}
	cmd.Flags().SetInterspersed(false) // a value may be a negative number
	return cmd
}
