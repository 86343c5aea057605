using Mono.Cecil;
using Mono.Cecil.Cil;

namespace Atelier.Tests.Architecture;

/// <summary>The types of an assembly and the types that each of them uses, read from the compiled code.</summary>
internal static class CompiledTypes
{
    /// <summary>
    /// Each type that stands in no other, with every type of our own that it or a type within it names.
    /// </summary>
    public static IReadOnlyDictionary<TypeName, IReadOnlySet<TypeName>> Uses(string assembly)
    {
        using var resolver = new DefaultAssemblyResolver();
        resolver.AddSearchDirectory(Path.GetDirectoryName(assembly));
        using ModuleDefinition module =
            ModuleDefinition.ReadModule(assembly, new ReaderParameters { AssemblyResolver = resolver });
        string home = module.Assembly.Name.Name;
        return module.Types.Where(type => type.Namespace.StartsWith("Atelier", StringComparison.Ordinal)).ToDictionary(
            type => Name(type),
            type => (IReadOnlySet<TypeName>)All(type).Where(used => IsOf(used, home)).Select(Name).ToHashSet());
    }

    private static bool IsOf(TypeReference type, string assembly) =>
        type.Namespace.StartsWith("Atelier", StringComparison.Ordinal) // the compiler's own have none
        && (type.Scope.Name == assembly || type.Scope.Name == assembly + ".dll");

    private static TypeName Name(TypeReference type) => new(type.Namespace, type.Name);

    /// <summary>Every text that the code of an assembly holds, with the method that holds it.</summary>
    public static IReadOnlyList<(string Method, string Text)> Literals(string assembly)
    {
        using var module = ModuleDefinition.ReadModule(assembly);
        return [.. from type in module.Types.SelectMany(Whole)
                   from method in type.Methods
                   where method.HasBody
                   from instruction in method.Body.Instructions
                   where instruction.OpCode == OpCodes.Ldstr
                   select (method.FullName, (string)instruction.Operand)];
    }

    private static IEnumerable<TypeReference> All(TypeDefinition type) => Whole(type).SelectMany(Named)
        .SelectMany(Parts).Select(Outermost).Where(used => used is not GenericParameter);

    private static IEnumerable<TypeDefinition> Whole(TypeDefinition type) =>
        type.NestedTypes.SelectMany(Whole).Prepend(type);

    /// <summary>What a type's declaration and its members name.</summary>
    private static IEnumerable<TypeReference?> Named(TypeDefinition type) =>
    [
        type.BaseType, .. type.Interfaces.Select(i => i.InterfaceType), .. type.Fields.Select(f => f.FieldType),
        .. type.CustomAttributes.Select(a => a.AttributeType), .. type.GenericParameters.SelectMany(Constraints),
        .. type.Methods.SelectMany(Named),
    ];

    private static IEnumerable<TypeReference?> Named(MethodDefinition method)
    {
        IEnumerable<TypeReference?> signature =
            [method.ReturnType, .. method.Parameters.Select(p => p.ParameterType),
                .. method.GenericParameters.SelectMany(Constraints)];
        return !method.HasBody ? signature : signature.Concat(method.Body.Variables.Select(v => v.VariableType))
            .Concat(method.Body.Instructions.SelectMany(Named));
    }

    private static IEnumerable<TypeReference?> Named(Instruction instruction) => instruction.Operand switch
    {
        GenericInstanceMethod generic => [.. generic.GenericArguments, .. Named(generic.ElementMethod)],
        MethodReference method => Named(method),
        FieldReference field => [field.DeclaringType, field.FieldType],
        TypeReference type => [type],
        _ => [],
    };

    private static IEnumerable<TypeReference?> Named(MethodReference method) =>
        [method.DeclaringType, method.ReturnType, .. method.Parameters.Select(p => p.ParameterType)];

    private static IEnumerable<TypeReference> Constraints(GenericParameter parameter) =>
        parameter.Constraints.Select(constraint => constraint.ConstraintType);

    /// <summary>List{T[]} is List and T.</summary>
    private static IEnumerable<TypeReference> Parts(TypeReference? type) => type switch
    {
        null => [],
        GenericInstanceType generic => generic.GenericArguments.SelectMany(Parts).Prepend(generic.ElementType),
        FunctionPointerType pointer =>
            pointer.Parameters.Select(p => p.ParameterType).Append(pointer.ReturnType).SelectMany(Parts),
        TypeSpecification specification => Parts(specification.ElementType),
        _ => [type],
    };

    private static TypeReference Outermost(TypeReference type) =>
        type.DeclaringType is { } around ? Outermost(around) : type;
}

/// <summary>A type's name.</summary>
/// <param name="Namespace">"Atelier.Models.Gpt".</param>
/// <param name="Name">"GptModel".</param>
internal sealed record TypeName(string Namespace, string Name)
{
    /// <summary>The folder under the library's own: "Models"; empty for types beside the folders.</summary>
    public string Folder => Namespace.Split('.').ElementAtOrDefault(1) ?? "";

    /// <summary>The folder under that one: "Gpt"; empty where there is none.</summary>
    public string Subfolder => Namespace.Split('.').ElementAtOrDefault(2) ?? "";

    /// <inheritdoc/>
    public override string ToString() => $"{Namespace}.{Name}";
}
