package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/backend"
	"github.com/actionhero-go/actionhero/internal/control"
	"github.com/actionhero-go/actionhero/internal/jsonx"
	"github.com/actionhero-go/actionhero/internal/near"
)

// ask sends a request to the server of the session, and decodes the answer. An error of the server has its exit code.
func ask[T any](ctx context.Context, c *console, method, target string, body any) (answer T, err error) {
	raw, err := c.app.ask(ctx, c.cfg, method, target, body)
	if e, ok := errors.AsType[*control.Error](err); ok {
		return answer, failedThere(e)
	}
	if err != nil {
		return answer, err
	}
	if err := jsonx.Unmarshal(raw, &answer); err != nil {
		return answer, fmt.Errorf("this program does not understand the answer of the server, which may have another version: %w", err)
	}
	return answer, nil
}

// target returns the path and query of a request. pairs are the keys and values of the query; empty values are left out.
func target(path string, pairs ...string) string {
	query := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			query.Set(pairs[i], pairs[i+1])
		}
	}
	if len(query) == 0 {
		return path
	}
	return path + "?" + query.Encode()
}

// look returns a command that sends one GET request to the server and shows the answer.
func look[T any](c *console, use, short string, args cobra.PositionalArgs, where func(args []string) string, show func(args []string, answer *T)) *cobra.Command {
	return &cobra.Command{Use: use, Short: short, Args: args, RunE: func(cmd *cobra.Command, args []string) error {
		answer, err := ask[T](cmd.Context(), c, http.MethodGet, where(args), nil)
		if err != nil {
			return err
		}
		if c.asJSON {
			return printJSON(c.out, answer)
		}
		show(args, &answer)
		return nil
	}}
}

// fixed returns a request without arguments.
func fixed(path string) func([]string) string { return func([]string) string { return path } }

// first returns the first argument, or "".
func first(args []string) string { return strings.Join(args[:min(len(args), 1)], "") }

func (c *console) lookCommands() []*cobra.Command {
	var inRoom string
	limit := 100
	limitText := func() string { return strconv.Itoa(limit) }
	conns := look(c, "conns", "List the connections, the oldest first", cobra.NoArgs,
		func([]string) string { return target("/conns", "room", inRoom, "limit", limitText()) }, c.showConns)
	conns.Flags().StringVar(&inRoom, "room", "", "only the members of this room")
	conns.Flags().IntVar(&limit, "limit", 100, "largest number of connections, up to 1000")
	_ = conns.RegisterFlagCompletionFunc("room", c.completeRoom)
	rooms := look(c, "rooms [PREFIX]", "List the rooms that have members", cobra.MaximumNArgs(1),
		func(args []string) string { return target("/rooms", "prefix", first(args), "limit", limitText()) }, c.showRooms)
	rooms.Flags().IntVar(&limit, "limit", 100, "largest number of rooms, up to 1000")
	room := look(c, "room NAME", "List the members of a room", cobra.ExactArgs(1),
		func(args []string) string { return target("/rooms/members", "room", args[0]) }, c.showMembers)
	room.RunE = c.suggestRoom(room.RunE)
	conn := look(c, "conn ID", "Show a connection with its details", cobra.ExactArgs(1),
		func(args []string) string { return "/conns/" + url.PathEscape(args[0]) }, c.showConn)
	rooms.ValidArgsFunction, room.ValidArgsFunction, conn.ValidArgsFunction = c.completeRoom, c.completeRoom, c.completeConn
	return []*cobra.Command{
		conns, conn, rooms, room, c.kick(), c.say(), c.workers(),
		look(c, "status", "Show the figures of the server or the cluster", cobra.NoArgs, fixed("/status"), c.showStatus),
		look(c, "report", "Show the report of one node, as the action status has it", cobra.NoArgs, fixed("/report"),
			func(_ []string, report *json.RawMessage) { _ = printOutput(c.out, *report) }),
		look(c, "peers", "List the nodes of the cluster", cobra.NoArgs, fixed("/peers"), c.showPeers),
	}
}

func (c *console) showStatus(_ []string, s *control.Status) {
	cluster := "this node alone"
	if s.Clustered {
		cluster = plural(s.Peers, "node")
	}
	conns := strconv.Itoa(s.Connections)
	for i, name := range sortedKeys(s.Transports) {
		conns += []string{": ", ", "}[min(i, 1)] + fmt.Sprintf("%d %s", s.Transports[name], name)
	}
	var jobs []string
	for state := backend.Scheduled; state <= backend.Dead; state++ {
		if n := *s.Jobs.Total.Of(state); n > 0 {
			jobs = append(jobs, fmt.Sprintf("%d %s", n, state))
		}
	}
	if len(jobs) == 0 {
		jobs = []string{"none"}
	}
	rows := [][]string{
		{"node", s.Node.ID}, {"process", fmt.Sprintf("%d, actionhero %s, up %s", s.Node.PID, s.Node.Version, age(time.Duration(s.Node.Uptime*float64(time.Second))))},
	}
	for i, e := range s.Node.Endpoints {
		rows = append(rows, []string{[]string{"serves", ""}[min(i, 1)], e.URL})
	}
	printTable(c.out, append(rows, []string{"cluster", cluster}, []string{"connections", conns}, []string{"cache", plural(s.CacheSize, "value")}, []string{"jobs", strings.Join(jobs, ", ")}))
	c.note(s.Missing)
}

// note names the nodes whose figures are missing.
func (c *console) note(missing []string) {
	if len(missing) > 0 {
		fmt.Fprintf(c.out, "Without %s, which did not answer.\n", printable(strings.Join(missing, ", ")))
	}
}

func (c *console) showPeers(_ []string, peers *[]control.Peer) {
	rows := [][]string{{"NODE", "UP", "CONNECTIONS", "HOST", "ADDRESS", "PID", "VERSION"}}
	for _, p := range *peers {
		conns, id := strconv.Itoa(p.Connections), p.ID
		if p.Connections < 0 {
			conns = "no answer"
		}
		if p.Self {
			id += " *"
		}
		rows = append(rows, []string{id, since(p.Started), conns, p.Host, p.Address, strconv.Itoa(p.PID), p.Version})
	}
	printList(c.out, rows)
	fmt.Fprintln(c.out, "* answers this console")
}

func (c *console) showConns(_ []string, list *actionhero.ConnList) {
	if len(list.Conns) == 0 {
		fmt.Fprintln(c.out, "There are no such connections.")
	} else {
		rows := [][]string{{"ID", "TRANSPORT", "SINCE", "REMOTE", "ROOMS", "NODE"}}
		for _, conn := range list.Conns {
			rows = append(rows, []string{conn.ID, conn.Transport, since(conn.ConnectedAt), conn.Remote, strings.Join(conn.Rooms, ","), conn.Node})
		}
		printList(c.out, rows)
	}
	if more := list.Total - len(list.Conns); more > 0 {
		fmt.Fprintf(c.out, "There are %d more; --limit shows them, --room selects.\n", more)
	}
	c.note(list.Missing)
}

func (c *console) showConn(_ []string, conn *actionhero.ConnInfo) {
	printTable(c.out, [][]string{
		{"id", conn.ID}, {"node", cmp.Or(conn.Node, "this node alone")}, {"transport", conn.Transport}, {"remote", conn.Remote},
		{"connected", clock(conn.ConnectedAt) + ", " + since(conn.ConnectedAt) + " ago"}, {"user", conn.User}, {"room", conn.Room}, {"rooms", strings.Join(conn.Rooms, ", ")},
	})
	if len(conn.Details) > 0 {
		fmt.Fprintln(c.out, "details")
		if raw, err := jsonx.Marshal(conn.Details); err == nil {
			_ = printOutput(c.out, raw)
		}
	}
}

func (c *console) showRooms(_ []string, list *actionhero.RoomList) {
	if len(list.Rooms) == 0 {
		fmt.Fprintln(c.out, "There are no such rooms.")
	} else {
		rows := [][]string{{"MEMBERS", "ROOM"}}
		for _, r := range list.Rooms {
			rows = append(rows, []string{strconv.Itoa(r.Members), r.Name})
		}
		printList(c.out, rows)
	}
	if list.More {
		fmt.Fprintln(c.out, "There are more; --limit shows them, a prefix selects.")
	}
	c.note(list.Missing)
}

func (c *console) showMembers(_ []string, m *control.Members) {
	rows := [][]string{{"ID", "NODE", "DETAILS"}}
	for _, member := range m.Members {
		details := ""
		if raw, err := jsonx.Marshal(member.Details); err == nil && len(member.Details) > 0 {
			details = string(raw)
		}
		rows = append(rows, []string{member.ID, member.Node, details})
	}
	printList(c.out, rows)
	if more := m.Total - len(m.Members); more > 0 {
		fmt.Fprintf(c.out, "There are %d more members.\n", more)
	}
}

// suggestRoom adds the name of a room that is probably meant to the error for a room without members.
func (c *console) suggestRoom(run func(*cobra.Command, []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		err := run(cmd, args)
		f, ok := errors.AsType[*failure](err)
		if !ok || f.code != exitCodes[actionhero.CodeNotFound] {
			return err
		}
		list, asked := ask[actionhero.RoomList](cmd.Context(), c, http.MethodGet, target("/rooms", "limit", "1000"), nil)
		names := make([]string, len(list.Rooms))
		for i, r := range list.Rooms {
			names[i] = r.Name
		}
		if meant := near.Name(args[0], names); meant != "" && asked == nil {
			f.hint = fmt.Sprintf("Did you mean %s?", meant)
		}
		return f
	}
}

func (c *console) workers() *cobra.Command {
	return look(c, "workers", "List the jobs that run now, by node", cobra.NoArgs,
		fixed(target("/jobs", "state", "running", "limit", strconv.Itoa(control.MaxJobs))), func(_ []string, jobs *[]control.Job) {
			if len(*jobs) == 0 {
				fmt.Fprintln(c.out, "No job is running.")
				return
			}
			slices.SortStableFunc(*jobs, func(a, b control.Job) int { return strings.Compare(a.Node, b.Node) })
			rows := [][]string{{"NODE", "JOB", "SINCE", "TASK", "QUEUE", "ATTEMPT"}}
			for _, job := range *jobs {
				rows = append(rows, []string{job.Node, strconv.FormatUint(job.ID, 10), since(job.Started), job.Task, job.Queue, attempts(&job)})
			}
			printList(c.out, rows)
		})
}
