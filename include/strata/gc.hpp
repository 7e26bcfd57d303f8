// The managed heap: memory that frees itself. docs/gc/README.md introduces it.
#pragma once

#include <strata/gc/array.hpp>
#include <strata/gc/direct.hpp>
#include <strata/gc/errors.hpp>
#include <strata/gc/global.hpp>
#include <strata/gc/handles.hpp>
#include <strata/gc/heap.hpp>
#include <strata/gc/identity.hpp>
#include <strata/gc/intern.hpp>
#include <strata/gc/listener.hpp>
#include <strata/gc/loader.hpp>
#include <strata/gc/mutator.hpp>
#include <strata/gc/ref.hpp>
#include <strata/gc/type.hpp>
#include <strata/gc/value.hpp>
#include <strata/gc/view.hpp>
#include <strata/gc/weak.hpp>
