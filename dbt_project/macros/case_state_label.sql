{#- The states of a case as the desk shows them; closed and voided end it. -#}
{% macro case_state_label(column) -%}
    case {{ column }}
        when 'detected' then '待核实' when 'confirmed' then '待立案' when 'filed' then '待派遣' when 'dispatched' then '待接单'
        when 'accepted' then '已接单' when 'handling' then '处置中' when 'handled' then '已处置' when 'checking' then '核查中'
        when 'rework' then '返工' when 'suspended' then '挂账' when 'closed' then '已结案' when 'voided' then '已作废'
    end
{%- endmacro %}
