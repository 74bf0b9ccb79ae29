local.get $x11
local.get $x12
i32.add
local.set $x10
