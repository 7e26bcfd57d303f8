-- The workload of the `lua` test: every byte of Lua goes through realloc. Usage: lua work.lua ROUNDS
local function round(seed)
    local words, lines = {}, {}
    for i = 1, 20000 do
        local key = "k" .. (i * seed) % 997
        words[key] = (words[key] or "") .. string.char(97 + i % 26)
    end
    for key, word in pairs(words) do lines[#lines + 1] = key .. "=" .. word:rep(3, "-") end
    table.sort(lines)
    local text = table.concat(lines, "\n")
    local count = select(2, text:gsub("(%a)%-(%a)", "%2%1"))
    local sum = 0
    for i = 1, #text, 97 do sum = (sum * 31 + text:byte(i)) % 4294967291 end
    local tasks = {}
    for i = 1, 2000 do
        tasks[i] = coroutine.wrap(function(a) while true do a = coroutine.yield(a .. i) end end)
    end
    for i = 1, 2000 do sum = sum + #tasks[i]("x") + #tasks[i]("yy") end
    local weak = setmetatable({}, { __mode = "k" })
    for _ = 1, 1000 do weak[{}] = setmetatable({}, { __gc = function() sum = sum + 1 end }) end
    tasks, lines = nil, nil
    collectgarbage()
    collectgarbage()
    local chunk = assert(load("return " .. ("1 + "):rep(150) .. "1"))
    return string.format("%d %d %d %d %s", #text, count, sum, chunk(), next(weak) == nil)
end

for _, mode in ipairs { "generational", "incremental" } do
    collectgarbage(mode)
    for seed = 1, tonumber(arg[1]) do print(mode, round(seed)) end
end
print(pcall(string.rep, "x", 1 << 40))
print(#string.rep("abc", 1000000))
