// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Every scalar key of fogline.yaml, one row each, by the mapping that it stands in. From these rows
// follow the libcyaml schema, defaults, checks and `fogctl config keys`.
//
//   X(section, key, member, kind, default, min, max, reload class, text)
//
// Default NULL = required. In default paths INSTANCE, RUN_DIR and STATE_DIR stand for the values of the keys.
#pragma once

// clang-format off
#define CONFIG_ROOT_KEYS(X) \
	X(root, "instance", instance, NAME, NULL, 1, 31, CONTROL, \
	  "name of this appliance; several instances on a host share nothing") \
	X(root, "user", user, TEXT, "fogline", 0, 31, CONTROL, \
	  "user that the control plane drops to, name or number; \"\" = stay who started it") \
	X(root, "run_dir", run_dir, PATH, "/run/fogline/INSTANCE", 2, 90, CONTROL, \
	  "folder of the sockets") \
	X(root, "state_dir", state_dir, PATH, "/var/lib/fogline/INSTANCE", 2, 200, CONTROL, \
	  "folder of identity, messages, accounts and audit; it belongs to who starts the control plane") \
	X(root, "topology", topology, PATH, "/etc/fogline/topology.yaml", 2, 255, RUN, \
	  "file that describes the network; read again when it changes") \
	X(root, "production", production, BOOL, "false", 0, 1, RUN, \
	  "refuse what must not carry real traffic: links none, test keys, --accept-replays") \
	X(root, "dataplane_user", dataplane_user, TEXT, "fogline-dp", 0, 31, LAUNCH, \
	  "user that the data plane drops to, name or number; \"\" = stay root")

#define CONFIG_WORKERS_KEYS(X) \
	X(workers, "idle", idle, IDLE, "adaptive", 0, 0, LAUNCH, \
	  "busy: poll without pause; adaptive: sleep until a frame or the next calendar slot") \
	X(workers, "manager_cpu", manager_cpu, COUNT, "0", 0, 1023, LAUNCH, \
	  "CPU of the data plane's manager; never a busy worker's") \
	X(workers, "max_rate", max_rate, COUNT, "0", 0, 10000000, LAUNCH, \
	  "packets per second that each worker accepts, more are dropped as rate; 0 = no limit")

#define CONFIG_MEMORY_KEYS(X) \
	X(memory, "hugepages", hugepages, BOOL, "false", 0, 1, LAUNCH, \
	  "take packet memory from hugepages (needed by PCI devices, faster)") \
	X(memory, "mib", mib, MIB, "64", 16, 1048576, LAUNCH, \
	  "memory for packet buffers and devices") \
	X(memory, "packet_buffers", packet_buffers, COUNT, "8192", 1024, 67108864, LAUNCH, \
	  "packet buffers of all workers together") \
	X(memory, "parked_max", parked_max, COUNT, "4096", 64, 67108864, LAUNCH, \
	  "most packets that wait for their delay; beyond it a random one is dropped as delay_full")

#define CONFIG_REPLAY_KEYS(X) \
	X(replay, "dir", dir, PATH, "/dev/shm/fogline-INSTANCE", 2, 127, LAUNCH, \
	  "folder of the replay tables, on tmpfs or hugetlbfs; given to dataplane_user") \
	X(replay, "capacity", capacity, COUNT, "0", 0, 1000000000000, LAUNCH, \
	  "packets accepted per mix key, 16 bytes each; full = drop replay_full; 0 = what max_rate " \
	  "admits in an epoch and its overlap, or 1M without max_rate")

#define CONFIG_RINGS_KEYS(X) \
	X(rings, "deliver_slots", deliver_slots, COUNT, "1024", 16, 65536, LAUNCH, \
	  "messages per worker that wait for the control plane, power of two") \
	X(rings, "inject_slots", inject_slots, COUNT, "256", 16, 65536, LAUNCH, \
	  "messages per worker that wait for the data plane, power of two")

#define CONFIG_REST_KEYS(X) \
	X(rest, "unix", unix_path, PATH, "RUN_DIR/rest.sock", 2, 107, CONTROL, \
	  "UNIX socket of the REST API") \
	X(rest, "tcp", tcp, SOCKET, "", 0, 63, CONTROL, \
	  "address:port of the REST API, usually 127.0.0.1:8000; \"\" = no TCP") \
	X(rest, "token_file", token_file, PATH, "", 0, 255, CONTROL, \
	  "file with a bearer token for machines, which operates the node by TCP; of mode 0600, owned " \
	  "by who starts the control plane; \"\" = accounts only") \
	X(rest, "tls", tls, TLS, "auto", 0, 0, CONTROL, \
	  "TLS on rest.tcp; auto: unless that is a loopback address without a certificate; off: the " \
	  "token and all else travel in clear") \
	X(rest, "tls_certificate", tls_certificate, PATH, "", 0, 255, CONTROL, \
	  "PEM file with its certificate and those between it and its root, read again on SIGHUP; " \
	  "\"\" = one made at the first start") \
	X(rest, "tls_key", tls_key, PATH, "", 0, 255, CONTROL, \
	  "PEM file with the certificate's private key, closed to others, without a passphrase") \
	X(rest, "docs", docs, BOOL, "true", 0, 1, CONTROL, \
	  "serve the description of the API and a page that shows it, to everybody")

#define CONFIG_STORE_KEYS(X) \
	X(store, "url", url, TEXT, "", 0, 255, CONTROL, \
	  "where accounts, audit, limits and operations lie; \"\" = STATE_DIR/control/platform.db; " \
	  "postgresql://USER@HOST/DATABASE for several control planes on one store") \
	X(store, "password_file", password_file, PATH, "", 0, 255, CONTROL, \
	  "file with the password of that user, closed to others, read by the control plane's user")

#define CONFIG_ACCOUNTS_KEYS(X) \
	X(accounts, "key_file", key_file, PATH, "STATE_DIR/control/platform.key", 2, 255, CONTROL, \
	  "file with the key that seals secrets in the store; made when it is missing; the same on all " \
	  "control planes of one store") \
	X(accounts, "require_totp", require_totp, BOOL, "false", 0, 1, CONTROL, \
	  "let administrators in only with a one-time code") \
	X(accounts, "token_minutes", token_minutes, COUNT, "30", 1, 1440, CONTROL, \
	  "minutes that an access token is good for") \
	X(accounts, "refresh_days", refresh_days, COUNT, "7", 1, 365, CONTROL, \
	  "days without use after which a session ends")

// Requests a minute of one identity.
#define CONFIG_LIMITS_KEYS(X) \
	X(limits, "auth", auth, COUNT, "10", 1, 10000000, CONTROL, \
	  "requests a minute to log in and the like, of one identity or source") \
	X(limits, "write", write, COUNT, "30", 1, 10000000, CONTROL, \
	  "requests a minute that change something, of one identity") \
	X(limits, "read", read, COUNT, "100", 1, 10000000, CONTROL, \
	  "requests a minute that read something, of one identity")

#define CONFIG_TEST_KEYS(X) \
	X(test, "delay_seed", delay_seed, COUNT, "0", 0, INT64_MAX, LAUNCH, \
	  "fixes the delays for tests: everybody can compute them then; 0 = off") \
	X(test, "key_seed", key_seed, COUNT, "0", 0, INT64_MAX, CONTROL, \
	  "fixes identity and mix key for tests: everybody knows them then; 0 = off") \
	X(test, "clock_ahead", clock_ahead_ms, MS, "0ms", 0, 604800000, RUN, \
	  "reads the host's clock as if it had been set forward by this, for tests; 0 = off")

#define CONFIG_LOG_KEYS(X) \
	X(log, "level", level, LOG_LEVEL, "info", 0, 0, RUN, \
	  "what both processes log: lines of this level and of the graver ones")

#define CONFIG_TRACE_KEYS(X) \
	X(trace, "allow", allow, BOOL, "false", 0, 1, RUN, \
	  "let fogctl trace and capture look at single packets although the node is in production; never " \
	  "over REST")

#define CONFIG_FILTER_KEYS(X) \
	X(filter, "early_drop", early_drop, BOOL, "true", 0, 1, RUN, \
	  "drop in the XDP program what no packet of the network can be: wrong lengths, fragments") \
	X(filter, "source_rate", source_rate, COUNT, "0", 0, 10000000, RUN, \
	  "packets per second from one source address (IPv6: /64) that is no node of the topology; " \
	  "0 = no limit") \
	X(filter, "source_burst", source_burst, COUNT, "256", 1, 1000000, RUN, \
	  "packets that such a source may send at once")

#define CONFIG_DRAIN_KEYS(X) \
	X(drain, "grace", grace_ms, MS, "0ms", 0, 3600000, RUN, \
	  "how long packets are still taken after the order to drain, while readiness is off")

#define CONFIG_TIMING_KEYS(X) \
	X(timing, "min_set", min_set, COUNT, "16", 0, 1000000, RUN, \
	  "packets that one which leaves could be, by the entropy; below it the node " \
	  "warns of low_traffic; 0 = never")

#define CONFIG_PORT_KEYS(X) \
	X(port, "name", name, NAME, NULL, 1, 31, LAUNCH, \
	  "name in tables and metrics") \
	X(port, "driver", driver, DRIVER, "afxdp", 0, 0, LAUNCH, \
	  "afxdp: AF_XDP on a kernel interface; dpdk: a DPDK device; auto: dpdk when the device is " \
	  "bound to vfio-pci, else afxdp; loop: in memory, for tests") \
	X(port, "device", device, TEXT, NULL, 1, 191, LAUNCH, \
	  "interface name, PCI address, or DPDK device name or devargs") \
	X(port, "queues", queues, COUNT, "0", 0, 64, LAUNCH, \
	  "receive and send queues, at least one a worker; 0 = one a worker") \
	X(port, "vlan", vlan, COUNT, "0", 0, 4094, LAUNCH, \
	  "VLAN tag that our frames carry; 0 = untagged") \
	X(port, "mtu", mtu, COUNT, "1500", 576, 9000, LAUNCH, \
	  "largest IP packet") \
	X(port, "xdp_mode", xdp_mode, XDP_MODE, "auto", 0, 0, LAUNCH, \
	  "where the XDP program runs: in the driver, in the kernel's generic hook, or what works") \
	X(port, "gateway4", gateway4, IP, "", 0, 4, LAUNCH, \
	  "IPv4 next hop of what is not on link, on a port without a kernel; \"\" = none") \
	X(port, "gateway6", gateway6, IP, "", 0, 6, LAUNCH, \
	  "IPv6 next hop of what is not on link, on a port without a kernel; \"\" = none")

#define CONFIG_NEIGHBOUR_KEYS(X) \
	X(neighbour, "address", address, IP, NULL, 0, 0, RUN, \
	  "IP address of a neighbour on this port") \
	X(neighbour, "mac", mac, MAC, NULL, 0, 0, RUN, \
	  "its MAC address")

#define CONFIG_LINKS_KEYS(X) \
	X(links, "clients", clients, COUNT, "1024", 0, 3000, RUN, \
	  "clients that a gateway has links with at once; 0 = none") \
	X(links, "client_rate", client_rate, COUNT, "200", 0, 10000000, RUN, \
	  "packets per second that a gateway takes from one client; 0 = no limit") \
	X(links, "client_burst", client_burst, COUNT, "400", 1, 1000000, RUN, \
	  "packets that a client may send at once")

// What a node says of itself in a network with a directory.
#define CONFIG_NODE_KEYS(X) \
	X(node, "name", name, NAME, "INSTANCE", 1, 31, RUN, \
	  "name of the node; unique in the network") \
	X(node, "role", role, ROLE, "mix", 0, 0, RUN, \
	  "what it does") \
	X(node, "layer", layer, COUNT, "0", 0, 18, RUN, \
	  "layer that a mix would like to be in; the beacon grants it or not; 0 = any") \
	X(node, "address", address, IP, "", 0, 0, CONTROL, \
	  "IP address of its mix port, as others reach it; needed in a network with a directory") \
	X(node, "port", port, COUNT, "0", 0, 65535, RUN, \
	  "UDP port, as others reach it; 0 = mix_port of the network") \
	X(node, "operator", operator, TEXT, "", 0, 31, RUN, \
	  "who runs it; no path has two nodes of one operator; \"\" = not said") \
	X(node, "family", family, TEXT, "", 0, 31, RUN, \
	  "what it belongs to beyond its operator; no path has two nodes of one; \"\" = not said") \
	X(node, "as", as_number, COUNT, "0", 0, 4294967295, RUN, \
	  "number of its autonomous system; 0 = not said") \
	X(node, "region", region, NAME, "", 0, 7, RUN, \
	  "where it is, for people; \"\" = not said") \
	X(node, "bandwidth", bandwidth, COUNT, "0", 0, 10, RUN, \
	  "class of its bandwidth: class k is chosen 2^(k-1) times as often as class 1; 0 counts as 1")

#define CONFIG_DIRECTORY_KEYS(X) \
	X(directory, "listen", listen, SOCKET, "", 0, 63, CONTROL, \
	  "address:port of its public listener, from which others get the consensus; \"\" = none")

#define CONFIG_COVER_KEYS(X) \
	X(cover, "max_rate", max_rate, COUNT, "0", 0, 10000000, RUN, \
	  "frames of cover traffic per second that the node sends at the most; 0 = no limit")

// Keys that are lists of texts: L(section, key, most).
#define CONFIG_WORKERS_LISTS(L) L(workers, cpus, FOG_WORKERS_MAX)
#define CONFIG_FILTER_LISTS(L) L(filter, deny, FOG_DENY_MAX)
#define CONFIG_REST_LISTS(L) L(rest, cors_origins, FOG_ORIGINS_MAX)
#define CONFIG_NO_LISTS(L)

// The mappings that stand once in the root, each with its rows: S(name, keys, lists).
#define CONFIG_SECTIONS(S) \
	S(workers, CONFIG_WORKERS_KEYS, CONFIG_WORKERS_LISTS) \
	S(memory, CONFIG_MEMORY_KEYS, CONFIG_NO_LISTS) \
	S(replay, CONFIG_REPLAY_KEYS, CONFIG_NO_LISTS) \
	S(rings, CONFIG_RINGS_KEYS, CONFIG_NO_LISTS) \
	S(rest, CONFIG_REST_KEYS, CONFIG_REST_LISTS) \
	S(store, CONFIG_STORE_KEYS, CONFIG_NO_LISTS) \
	S(accounts, CONFIG_ACCOUNTS_KEYS, CONFIG_NO_LISTS) \
	S(limits, CONFIG_LIMITS_KEYS, CONFIG_NO_LISTS) \
	S(test, CONFIG_TEST_KEYS, CONFIG_NO_LISTS) \
	S(log, CONFIG_LOG_KEYS, CONFIG_NO_LISTS) \
	S(trace, CONFIG_TRACE_KEYS, CONFIG_NO_LISTS) \
	S(filter, CONFIG_FILTER_KEYS, CONFIG_FILTER_LISTS) \
	S(drain, CONFIG_DRAIN_KEYS, CONFIG_NO_LISTS) \
	S(links, CONFIG_LINKS_KEYS, CONFIG_NO_LISTS) \
	S(cover, CONFIG_COVER_KEYS, CONFIG_NO_LISTS) \
	S(timing, CONFIG_TIMING_KEYS, CONFIG_NO_LISTS) \
	S(node, CONFIG_NODE_KEYS, CONFIG_NO_LISTS) \
	S(directory, CONFIG_DIRECTORY_KEYS, CONFIG_NO_LISTS)

// Keys of topology.yaml. Equal on all nodes of a network.
#define TOPOLOGY_NETWORK_KEYS(X) \
	X(network, "name", name, NAME, NULL, 1, 31, RUN, \
	  "name of the network") \
	X(network, "mix_port", mix_port, COUNT, "9001", 1, 65535, LAUNCH, \
	  "UDP port of mix traffic") \
	X(network, "links", links, LINKS, NULL, 0, 0, LAUNCH, \
	  "link encryption; noise: encrypted links and mix keys by epoch; none: bare packets, for first " \
	  "steps and benches only")

#define TOPOLOGY_GEOMETRY_KEYS(X) \
	X(geometry, "geometry", name, NAME, "mtu", 1, 15, LAUNCH, \
	  "packet format: mtu (5 slots, 1,408 bytes), mtu3 (3 slots), jumbo (3,082 bytes), custom")

#define TOPOLOGY_CUSTOM_KEYS(X) \
	X(custom, "slots", slots, COUNT, NULL, 1, 20, LAUNCH, \
	  "longest path in hops") \
	X(custom, "payload", payload, COUNT, NULL, 64, 8900, LAUNCH, \
	  "forward payload in bytes")

#define TOPOLOGY_DELAY_KEYS(X) \
	X(delay, "mean", delay_mean_us, US, "50ms", 100, 3600000000, RUN, \
	  "mean of the exponential delay at each mix") \
	X(delay, "max", delay_max_us, US, "500ms", 100, 3600000000, RUN, \
	  "longest delay; not under the mean") \
	X(delay, "cap", delay_cap_ms, MS, "0ms", 0, 3600000, RUN, \
	  "most of the delay wished by the sender that is added")

#define TOPOLOGY_MIX_KEY_KEYS(X) \
	X(rotation, "epoch", epoch_s, SECONDS, "20min", 10, 604800, LAUNCH, \
	  "how long a mix key is the newest one") \
	X(rotation, "overlap", overlap_s, SECONDS, "2min", 0, 604800, LAUNCH, \
	  "how long a node accepts packets of an epoch after its end: a path's longest delays, and the " \
	  "clocks' tolerance") \
	X(rotation, "tolerance", tolerance_ms, MS, "2s", 10, 600000, RUN, \
	  "how far clocks of nodes may be apart; who is off by more is refused")

#define TOPOLOGY_LINK_KEYS(X) \
	X(link, "rekey", rekey_s, SECONDS, "2min", 2, 3600, RUN, \
	  "age at which a session of two nodes is replaced by a new one") \
	X(link, "rekey_packets", rekey_packets, COUNT, "64M", 1000, 1000000000, RUN, \
	  "packets of one worker after which a session is replaced before its time")

// Mean times, each of an exponential law; 0 = none.
#define TOPOLOGY_COVER_KEYS(X) \
	X(cover, "loops", loop_us, US, "1s", 0, 3600000000, RUN, \
	  "mean time between two packets of a node to itself; 0 = none") \
	X(cover, "drops", drop_us, US, "1s", 0, 3600000000, RUN, \
	  "mean time between two packets of a node to one that throws them away; 0 = none") \
	X(cover, "dummies", dummy_us, US, "500ms", 0, 3600000000, RUN, \
	  "mean time between two frames of a node on each of its links that end at its other end; 0 = none") \
	X(cover, "client_send", client_send_us, US, "100ms", 0, 3600000000, RUN, \
	  "mean time between two packets of a client, a message's or one to throw away; 0 = no cover") \
	X(cover, "client_loops", client_loop_us, US, "2s", 0, 3600000000, RUN, \
	  "mean time between two packets of a client to itself; 0 = none") \
	X(cover, "client_fetch", client_fetch_us, US, "100ms", 0, 3600000000, RUN, \
	  "mean time between two questions of a client for mail; 0 = none") \
	X(cover, "slack", slack_ms, MS, "1s", 0, 600000, RUN, \
	  "how long a packet may be late, beyond its longest delay, before it counts as lost")

#define TOPOLOGY_DIRECTORY_KEYS(X) \
	X(directory, "threshold", threshold, COUNT, NULL, 1, 16, RUN, \
	  "authorities whose signatures make a consensus; more than two thirds of them")

#define TOPOLOGY_AUTHORITY_KEYS(X) \
	X(authority, "name", name, NAME, NULL, 1, 31, RUN, \
	  "name of the authority") \
	X(authority, "identity", identity, KEY, NULL, 0, 0, RUN, \
	  "Ed25519 identity key: signs votes and consensus") \
	X(authority, "vrf_key", vrf_key, KEY, NULL, 0, 0, RUN, \
	  "Ed25519 key of its shares of the beacon") \
	X(authority, "tls_key", tls_key, KEY, NULL, 0, 0, RUN, \
	  "Ed25519 key of its listener's certificate") \
	X(authority, "address", address, IP, NULL, 0, 0, RUN, \
	  "IP address of its listener") \
	X(authority, "port", port, COUNT, "9003", 1, 65535, RUN, \
	  "TCP port of its listener")

#define TOPOLOGY_NODE_KEYS(X) \
	X(node, "name", name, NAME, NULL, 1, 31, RUN, \
	  "name of the node") \
	X(node, "id", id, KEY, NULL, 0, 0, RUN, \
	  "node ID: BLAKE2b-256 of its identity key, as its /v1/status says") \
	X(node, "mix_key", mix_key, KEY, "", 0, 0, RUN, \
	  "X25519 public mix key, as its /v1/status says; only, and needed, with 'links: none'") \
	X(node, "identity", identity, KEY, "", 0, 0, RUN, \
	  "Ed25519 identity key, of which 'id' is the hash; needed with 'links: noise'") \
	X(node, "link_key", link_key, KEY, "", 0, 0, RUN, \
	  "X25519 static key of its links; needed with 'links: noise'") \
	X(node, "vrf_key", vrf_key, KEY, "", 0, 0, RUN, \
	  "Ed25519 key that its delays are verified by; needed with 'links: noise'") \
	X(node, "address", address, IP, NULL, 0, 0, RUN, \
	  "IP address of its mix port") \
	X(node, "port", port, COUNT, "0", 0, 65535, RUN, \
	  "UDP port; 0 = mix_port of the network") \
	X(node, "role", role, ROLE, NULL, 0, 0, RUN, \
	  "what it does") \
	X(node, "layer", layer, COUNT, "0", 0, 18, RUN, \
	  "layer of a mix, counted from 1; 0 for the other roles") \
	X(node, "operator", operator, TEXT, "", 0, 31, RUN, \
	  "who runs it; no path has two nodes of one operator; \"\" = not said, equal to nobody's") \
	X(node, "family", family, TEXT, "", 0, 31, RUN, \
	  "operators that belong together; no path has two nodes of one family; \"\" = not said") \
	X(node, "as", as_number, COUNT, "0", 0, 4294967295, RUN, \
	  "autonomous system that it is in; no path has two nodes of one; 0 = not said") \
	X(node, "region", region, NAME, "", 0, 7, RUN, \
	  "where it is, for people; \"\" = not said") \
	X(node, "bandwidth", bandwidth, COUNT, "0", 0, 10, RUN, \
	  "bandwidth class; a mix of class k carries 2^(k-1) shares of the traffic; 0 = not said, as 1")
// clang-format on
