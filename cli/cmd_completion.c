/* tenon completion: scripts for shells, made of the tables that the parser uses. */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/errors.h"

/* Prints `--name` of all options, apart by spaces. */
static void put_options(const cli_option *options)
{
    for (; options->name != NULL; options++) {
        printf(" --%s", options->name);
        if (options->letter != 0) {
            printf(" -%c", options->letter);
        }
    }
}

static void put_verbs(void)
{
    for (const cli_verb *verb = verbs; verb->name != NULL; verb++) {
        printf(" %s", verb->name);
    }
    fputs(" help", stdout);
}

/* The words of a choice, apart by spaces. */
static void put_words(const char *choices)
{
    for (; *choices != '\0'; choices++) {
        putchar(*choices == '|' ? ' ' : *choices);
    }
}

/* Prints the cases of options whose value is one of several words. */
static void put_choices(const cli_option *options)
{
    for (; options->name != NULL; options++) {
        if (options->kind == OPTION_CHOICE) {
            printf("    --%s) COMPREPLY=($(compgen -W '", options->name);
            put_words(options->value);
            fputs("' -- \"$word\")); return ;;\n", stdout);
        }
    }
}

static void print_bash(void)
{
    fputs("# tenon completion bash, to be sourced: source <(tenon completion bash)\n"
          "_tenon() {\n"
          "  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} verb= i\n"
          "  local verbs='",
          stdout);
    put_verbs();
    fputs("' options='", stdout);
    put_options(global_options);
    fputs(
        "'\n"
        "  for ((i = 1; i < COMP_CWORD; i++)); do\n"
        "    case \" $verbs \" in *\" ${COMP_WORDS[i]} \"*) verb=${COMP_WORDS[i]}; break ;; esac\n"
        "  done\n"
        "  case $before in\n",
        stdout);
    put_choices(global_options);
    fputs("  esac\n  case $verb in\n", stdout);
    for (const cli_verb *verb = verbs; verb->name != NULL; verb++) {
        printf("  %s) options+='", verb->name);
        put_options(verb->options);
        fputs("'\n    case $before in\n", stdout);
        put_choices(verb->options);
        fputs("    esac ;;\n", stdout);
    }
    fputs("  esac\n"
          "  if [[ $word == -* ]]; then\n"
          "    COMPREPLY=($(compgen -W \"$options\" -- \"$word\"))\n"
          "  elif [[ -z $verb || $verb == help ]]; then\n"
          "    COMPREPLY=($(compgen -W \"$verbs\" -- \"$word\"))\n"
          "  else\n"
          "    COMPREPLY=($(compgen -f -- \"$word\"))\n"
          "  fi\n"
          "}\n"
          "complete -o filenames -o bashdefault -F _tenon tenon\n",
          stdout);
}

/* Prints a text within single quotes of a shell; `]` and `:` are special in zsh's specifications.
 */
static void put_quoted(const char *text, bool specification)
{
    for (; *text != '\0'; text++) {
        if (*text == '\'') {
            fputs("'\\''", stdout);
        } else {
            if (specification && strchr("[]:\\", *text) != NULL) {
                putchar('\\');
            }
            putchar(*text);
        }
    }
}

/* Prints one option as zsh's _arguments takes it. */
static void put_zsh_option(const cli_option *option)
{
    fputs("    '", stdout);
    fputs(option->kind == OPTION_LIST || option->kind == OPTION_LIMIT ? "*" : "", stdout);
    printf("--%s%s[", option->name, option->kind == OPTION_FLAG ? "" : "=");
    put_quoted(option->help, true);
    putchar(']');
    if (option->kind == OPTION_CHOICE) {
        fputs(":value:(", stdout);
        put_words(option->value);
        putchar(')');
    } else if (option->kind != OPTION_FLAG) {
        fputs(":value:_files", stdout);
    }
    fputs("' \\\n", stdout);
}

static void put_zsh_options(const cli_option *options)
{
    for (; options->name != NULL; options++) {
        put_zsh_option(options);
    }
}

static void print_zsh(void)
{
    fputs("#compdef tenon\n"
          "# tenon completion zsh: put it into a folder of $fpath as _tenon\n"
          "_tenon() {\n  local -a verbs=(\n",
          stdout);
    for (const cli_verb *verb = verbs; verb->name != NULL; verb++) {
        printf("    '%s:", verb->name);
        put_quoted(verb->summary, true);
        fputs("'\n", stdout);
    }
    fputs("    'help:all about one verb'\n  )\n"
          "  local verb=${words[(r)(",
          stdout);
    for (const cli_verb *verb = verbs; verb->name != NULL; verb++) {
        printf("%s%s", verb == verbs ? "" : "|", verb->name);
    }
    fputs(")]}\n  case $verb in\n", stdout);
    for (const cli_verb *verb = verbs; verb->name != NULL; verb++) {
        printf("  %s) _arguments \\\n", verb->name);
        put_zsh_options(verb->options);
        put_zsh_options(global_options);
        fputs("    '*:file:_files' ;;\n", stdout);
    }
    fputs("  *) _arguments \\\n", stdout);
    put_zsh_options(global_options);
    fputs("    '1:verb:->verb' '*:file:_files'\n"
          "    [[ $state == verb ]] && _describe verb verbs ;;\n"
          "  esac\n}\n_tenon \"$@\"\n",
          stdout);
}

static void print_fish(void)
{
    fputs("# tenon completion fish, to be sourced: tenon completion fish | source\n", stdout);
    for (const cli_verb *verb = verbs; verb->name != NULL; verb++) {
        printf("complete -c tenon -n __fish_use_subcommand -a %s -d '", verb->name);
        put_quoted(verb->summary, false);
        fputs("'\n", stdout);
    }
    for (const cli_verb *verb = verbs; verb->name != NULL; verb++) {
        for (const cli_option *options = verb->options; options->name != NULL; options++) {
            printf("complete -c tenon -n '__fish_seen_subcommand_from %s' -l %s", verb->name,
                   options->name);
            if (options->kind == OPTION_CHOICE) {
                fputs(" -x -a '", stdout);
                put_words(options->value);
                putchar('\'');
            } else if (options->kind != OPTION_FLAG) {
                fputs(" -r", stdout);
            }
            fputs(" -d '", stdout);
            put_quoted(options->help, false);
            fputs("'\n", stdout);
        }
    }
    for (const cli_option *option = global_options; option->name != NULL; option++) {
        printf("complete -c tenon -l %s%s -d '", option->name,
               option->kind == OPTION_FLAG ? "" : " -r");
        put_quoted(option->help, false);
        fputs("'\n", stdout);
    }
}

tn_status cmd_completion(cli_state *cli, tn_error *err)
{
    const char *shell = cli->command.arguments[0];
    cli->document_done = true; /* a script is no document */
    if (strcmp(shell, "bash") == 0) {
        print_bash();
    } else if (strcmp(shell, "zsh") == 0) {
        print_zsh();
    } else if (strcmp(shell, "fish") == 0) {
        print_fish();
    } else {
        cli->document_done = false;
        tn_status status = cli_fail(err, TN_E_USAGE, "there is no completion for '%s'", shell);
        cli_hint(err, "tenon completion bash, zsh or fish");
        return status;
    }
    return TN_OK;
}
