// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// TLS for a daemon of libmicrohttpd: versions 1.2 and 1.3 (RFC 5246, 8446), and the certificate that is in use when a
// handshake begins.
#pragma once

#include <microhttpd.h>

struct fog_certificate;

enum { HTTP_TLS_OPTIONS = 2 };

// Fill in the options that a daemon with MHD_USE_TLS takes. libmicrohttpd tells the callback nothing that would lead
// to its daemon, so all daemons of a process have one certificate, which must live until they have ended.
void http_tls_options(struct fog_certificate *, struct MHD_OptionItem option[HTTP_TLS_OPTIONS]);
