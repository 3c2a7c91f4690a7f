/* A credential that another exec plugin gives: waiting for it, or running that plugin here, where its terminal is. */
#ifndef KG_WRAPPED_H
#define KG_WRAPPED_H

#include "wire.h"

/*
 * Goes on with the keeper on the connection of a keeper.issue that brought no document. Returns the document, which
 * stays until the next exchange; or says why there is none and ends this process.
 */
struct bytes fetch_wrapped(int keeper, const char *api_version);

#endif
