// Package redis is the backend for clusters of many nodes: it keeps the shared state in a server of Redis or Valkey. All
// nodes with the same server, database number and prefix are one cluster.
//
//	api, err := actionhero.New(actionhero.Config{Backend: redis.New(redis.Config{URL: "redis://localhost:6379/0"})}, ...)
//
// The server is one process, a master with replicas under Sentinels, or a Redis Cluster. One process and Sentinels need
// Redis 6.2 or later or Valkey; a Cluster needs Redis 7 or later or Valkey.
//
// Begin reading with [Config] and [Backend]. core.go has the connection, the names of keys and the rules by which commands
// are repeated. script.go runs the scripts of the folder lua. store.go and lock.go are the store. node.go has the lease of
// this node, peers.go the list of nodes, and call.go the calls between them. broker_route.go subscribes to channels, on one
// connection for each master. broker_room.go finds missing messages and delivers the others. presence.go lets members enter
// and leave, and presence_clean.go removes those of nodes that have died.
// queue_keys.go and queue_record.go have the form of the queue, and queue.go begins its code.
//
// # Errors
//
// An error of package backend other than ErrUnavailable means that nothing has changed. After ErrUnavailable the change
// may have happened; the text says so, or that nothing has changed. Only commands that the server has refused are sent
// again, and commands that change nothing. If the context of the call has ended, the error wraps its error as well.
//
// # Names of keys
//
// A key is "prefix:kind:{tag}name". The tag is one of 256 tags, which are spread evenly over the slots of a Cluster. The
// tag depends on the name, so all keys of one name, and the scripts that use them, are in one slot. Channels are
// "prefix:database:kind:{tag}name", because channels do not belong to a database.
package redis
