namespace Atelier.Generation.Chat.Jinja;

/// <summary>The tests of Jinja, as in "value is defined".</summary>
internal static class JinjaTests
{
    private static readonly HashSet<string> Names =
    [
        "defined", "undefined", "none", "boolean", "true", "false", "integer", "float", "number", "string", "mapping",
        "sequence", "iterable", "callable", "odd", "even", "divisibleby", "lower", "upper", "sameas", "in", "escaped",
        "filter", "test", "==", "eq", "equalto", "!=", "ne", ">", "gt", "greaterthan", ">=", "ge", "<", "lt",
        "lessthan", "<=", "le",
    ];

    /// <summary>Returns whether there is a test of a name.</summary>
    public static bool Exists(string name) => Names.Contains(name);

    /// <summary>Returns whether a test of a value holds.</summary>
    /// <exception cref="JinjaException">The test does not apply to the value.</exception>
    public static bool Holds(JinjaRun run, string name, object? value, JinjaArguments given)
    {
        bool isUndefined = value == JinjaValues.Undefined;
        switch (name)
        {
            case "defined":
                return !isUndefined;
            case "undefined":
                return isUndefined;
            case "none":
                return value is null;
            case "boolean":
                return value is bool;
            case "true":
                return value is true;
            case "false":
                return value is false;
            case "integer":
                return value is long;
            case "float":
                return value is double;
            case "number":
                return value is long or double or bool;
            case "string":
                return value is string;
            case "mapping":
                return value is JinjaMap;
            case "sequence" or "iterable":
                return value is string or List<object?> or JinjaMap || isUndefined;
            case "callable":
                return value is JinjaFunction || isUndefined;
            case "odd":
                return Rest(2) != 0;
            case "even":
                return Rest(2) == 0;
            case "divisibleby":
                return Rest(given.Whole(0, "num", 0)) == 0;
            case "lower":
                return JinjaTextMethods.IsLower(JinjaValues.Text(run, value));
            case "upper":
                return JinjaTextMethods.IsUpper(JinjaValues.Text(run, value));
            case "sameas":
                return value?.GetType() == given[0, "other"]?.GetType()
                    && (value is string or long or bool or null ? Equals(value, given[0, "other"])
                        : ReferenceEquals(value, given[0, "other"]));
            case "escaped":
                return false; // a chat's text is never escaped
            case "filter":
                return value is string filter && JinjaFilters.Exists(filter);
            case "test":
                return value is string test && Exists(test);
            default:
                if (!Exists(name))
                    throw new JinjaException($"the test '{name}' is not supported");
                return JinjaComparer.Holds(run, Operator(name), value, given[0, "other"]);
        }

        long Rest(long divisor) => JinjaArithmetic.Calculate(run, "%", value, divisor) is long rest ? rest
            : throw new JinjaException($"the test '{name}' needs a whole number");
    }

    private static string Operator(string name) => name switch
    {
        "eq" or "equalto" => "==",
        "ne" => "!=",
        "gt" or "greaterthan" => ">",
        "ge" => ">=",
        "lt" or "lessthan" => "<",
        "le" => "<=",
        _ => name,
    };
}
