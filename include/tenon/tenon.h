/* tenon: reads, checks and converts model weights. Includes all public headers. */
#ifndef TENON_TENON_H
#define TENON_TENON_H

#include <tenon/cast.h>
#include <tenon/check.h>
#include <tenon/ckpt.h>
#include <tenon/context.h>
#include <tenon/convert.h>
#include <tenon/dtype.h>
#include <tenon/error.h>
#include <tenon/export.h>
#include <tenon/formats.h>
#include <tenon/graph.h>
#include <tenon/model.h>
#include <tenon/npy.h>
#include <tenon/pattern.h>
#include <tenon/report.h>
#include <tenon/rules.h>
#include <tenon/str.h>
#include <tenon/text.h>
#include <tenon/values.h>
#include <tenon/verify.h>

#endif
