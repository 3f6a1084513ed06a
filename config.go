package actionhero

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/actionhero-go/actionhero/backend"
	"github.com/actionhero-go/actionhero/internal/setting"
)

// Version is the version of this module. The command "actionhero version" prints it.
const Version = "0.1.0"

type filled = setting.Filled

var _ = Config{}.filled // package setting reads the field by reflection

// Config is the section "general" of the configuration: the settings that all transports share. If a field is zero, its
// tag names the default that applies. In a Config that server.Load returned, a zero is the configured value, which the
// default does not replace.
type Config struct {
	filled

	ID         string `json:"id" auto:"made of its addresses and ports" doc:"id of this node in the status and in the cluster"`
	APIVersion string `json:"apiVersion" auto:"the version of actionHero" doc:"version of your API, in every HTTP response"`
	ServerName string `json:"serverName" default:"actionHero API" doc:"name of the server in every HTTP response, and sender of its own messages to rooms"`

	WelcomeMessage  string `json:"welcomeMessage" default:"Hello! Welcome to the actionHero api" doc:"text of the first message to a persistent client"`
	DefaultChatRoom string `json:"defaultChatRoom" default:"defaultRoom" min:"1" max:"128" doc:"room that a persistent client joins when it connects"`
	// Each client that enters a room with n members causes n messages. This is the reason for the limit.
	AnnounceLimit   int  `json:"announceLimit" default:"500" unit:"members" range:"any number; 0 or less announces nothing" limit:"server" reached:"no notices in a room with more members" doc:"members of a room up to which it announces who comes and goes"`
	AnnounceRate    int  `json:"announceRate" default:"50" unit:"comings and goings a second" range:"any number; 0 or less announces nothing" limit:"server" reached:"comings and goings that the room does not announce" doc:"comings and goings that a room announces in a second"`
	RoomStatusLimit int  `json:"roomStatusLimit" default:"1000" min:"0" unit:"members" limit:"request" reached:"the first members and the exact count" doc:"members that the status of a room lists; its count is always exact"`
	MaxRooms        int  `json:"maxRooms" default:"64" min:"1" unit:"rooms" limit:"client" reached:"an error of errorCode resourceExhausted" doc:"rooms of one connection, its current one included; all lists of members together have at most that many entries for each connection"`
	MaxMessageBytes int  `json:"maxMessageBytes" default:"64 KiB" min:"1" unit:"bytes" limit:"request" reached:"an error; the message is not sent" doc:"length of a message that a client says in a room"`
	RoomDetails     bool `json:"roomDetails" doc:"show in the status of a room the details that its members set"`

	// A message to a room counts once, however many of its members have not read it.
	MaxQueuedBytes int64 `json:"maxQueuedBytes" default:"256 MiB" min:"1" unit:"bytes" limit:"server" reached:"the clients with the longest queues of the address that holds most are closed" doc:"bytes that may wait for all persistent clients of the server that do not read at once"`

	MaxIncomingBytes int64 `json:"maxIncomingBytes" default:"256 MiB" min:"1" unit:"bytes" limit:"server" reached:"close code 1013 over WebSocket, status 503 over long-polling, an error line over TCP; the connection closes" doc:"bytes that the incomplete messages of all persistent clients may have in memory, without the first 16 KiB of each; one address may have as many as are still free"`

	MinHeapBytes int64 `json:"minHeapBytes" default:"16 MiB" min:"0" unit:"bytes" doc:"size of the heap up to which the command start lets no garbage collection run; a larger value takes memory and saves processor time; without effect if the environment has GOGC or GOMEMLIMIT"`

	StrictParams bool `json:"strictParams" doc:"refuse requests with params that the action does not take; they are dropped otherwise"`

	DefaultLimit  int `json:"defaultLimit" default:"100" min:"0" doc:"the input limit if the client sends none"`
	MaxLimit      int `json:"maxLimit" default:"1000" min:"-1" range:"above zero, or 0 or -1 for no limit" limit:"request" reached:"an error of errorCode invalidInput" doc:"greatest value of the input limit that a client may send"`
	DefaultOffset int `json:"defaultOffset" min:"0" doc:"the input offset if the client sends none"`

	FlatFileDirectory                string   `json:"flatFileDirectory" default:"./public" min:"1" doc:"folder of static files"`
	FlatFileDotNames                 []string `json:"flatFileDotNames" auto:".well-known" doc:"names that begin with a dot and are served nevertheless"`
	FlatFileNotFoundMessage          string   `json:"flatFileNotFoundMessage" default:"Sorry, that file is not found :(" doc:"body of a 404 response"`
	FlatFileIndexPageNotFoundMessage string   `json:"flatFileIndexPageNotFoundMessage" default:"Sorry, there is no index page for this folder :(" doc:"body of a 404 response for a folder without an index page"`

	ActionTimeout time.Duration `json:"actionTimeout" default:"30s" range:"0 or less is no limit" limit:"request" reached:"an error of errorCode deadlineExceeded" doc:"time after which the context of an action ends"`
	StopGrace     time.Duration `json:"stopGrace" default:"30s" min:"0" doc:"time that a stop waits for running requests before it cancels them"`

	RequestLimit       int           `json:"requestLimit" min:"0" unit:"requests" range:"0 (no limit) or more" limit:"address" reached:"an error of errorCode resourceExhausted with retryAfter" doc:"requests of one client address in each window"`
	RequestLimitWindow time.Duration `json:"requestLimitWindow" default:"1h" min:"1ns" doc:"window of requestLimit"`

	IdempotencyWindow time.Duration `json:"idempotencyWindow" default:"24h" min:"1s" max:"8784h" doc:"time for which the answers of calls with idempotency keys are kept, in the cache"`
	IdempotencyKeys   int           `json:"idempotencyKeys" default:"10000" min:"1" max:"1000000" unit:"keys" limit:"client" reached:"an error of errorCode resourceExhausted with retryAfter" doc:"new idempotency keys of one client in each idempotencyWindow"`
	IdempotencyBytes  int64         `json:"idempotencyBytes" default:"16 KiB" min:"1" unit:"bytes" limit:"request" reached:"an error of errorCode conflict in place of the kept answer" doc:"size of an answer that is kept for an idempotency key"`

	// Sections has the loaded settings of the app's own sections: for each [Section] by its name, a pointer to its T.
	// server.Load sets it. A section that is missing has its defaults.
	Sections map[string]any `json:"-"`

	Backend     backend.Backend `json:"-"` // store, rooms and queue; required ([New] says how)
	Log         *slog.Logger    `json:"-"` // default: slog.Default()
	LogRequests bool            `json:"-"` // log a line for each request; default: false
}

func (c *Config) complete() error {
	if c.Backend == nil {
		return errors.New("actionhero.New needs a Backend: set Config.Backend to local.New(local.Config{}), or build the API with server.New, which does")
	}
	setting.Fill(c)
	c.APIVersion = cmp.Or(c.APIVersion, Version)
	if c.Log == nil {
		c.Log = slog.Default()
	}
	if err := setting.Check("general", c); err != nil {
		return err
	}
	if c.MaxLimit > 0 && c.DefaultLimit > c.MaxLimit {
		return fmt.Errorf("general.defaultLimit is %d: it may be at most general.maxLimit, which is %d", c.DefaultLimit, c.MaxLimit)
	}
	return nil
}
